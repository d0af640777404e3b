import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { passOn } from '../../../sim/accounting/pass-on.ts';
import { tries } from '../random-cluster.ts';

const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);

/** Weights from a list of [service, client, weight]. */
function weightsOf(n: number, flows: readonly (readonly [number, number, number])[]): Float64Array {
  const weights = new Float64Array(n * n);
  for (const [service, client, weight] of flows) weights[service * n + client]! += weight;
  return weights;
}

/** The same by doing it: pass energy on, round after round, until nothing moves any more. */
function passRoundByRound(energyJ: Float64Array, weights: Float64Array): Float64Array {
  const n = energyJ.length;
  const paysJ = new Float64Array(n);
  let movingJ = energyJ.slice();
  for (let round = 0; round < 200_000 && sum(movingJ) > 1e-15 * sum(energyJ); round++) {
    const nextJ = new Float64Array(n);
    for (let s = 0; s < n; s++) {
      const row = weights.subarray(s * n, (s + 1) * n);
      const whole = sum(row);
      if (whole === 0) paysJ[s]! += movingJ[s]!;
      else {
        for (let c = 0; c < n; c++) {
          const partJ = (movingJ[s]! * row[c]!) / whole;
          if (c === s) paysJ[c]! += partJ;
          else nextJ[c]! += partJ;
        }
      }
    }
    movingJ = nextJ;
  }
  return paysJ;
}

describe('energy passed on', () => {
  it('reaches the clients of a driver by their requests', () => {
    // Domain 0 drives the disk for 1 and 2, which sent 30 and 10 requests.
    const weights = weightsOf(3, [
      [0, 1, 30],
      [0, 2, 10],
    ]);
    expect([...passOn(Float64Array.of(8, 5, 1), weights)]).toEqual([0, 11, 3]);
  });

  it('goes through chains of any length: client ← I/O thread ← vhost ← kernel', () => {
    const n = 50;
    const flows = Array.from({ length: n - 1 }, (_, s) => [s + 1, s, 1] as const);
    const pays = passOn(new Float64Array(n).fill(1), weightsOf(n, flows));
    expect(pays[0]).toBe(n);
    expect(sum(pays)).toBe(n);
  });

  it('goes in circles: two drivers that work for each other, solved by hand', () => {
    // t0 = 6 + t1 / 2 and t1 = 3 + t0 / 3 give t0 = 9, t1 = 6; client 2 gets 2/3 · 9 and 1/2 · 6.
    const weights = weightsOf(3, [
      [0, 1, 1],
      [0, 2, 2],
      [1, 0, 1],
      [1, 2, 1],
    ]);
    const pays = passOn(Float64Array.of(6, 3, 0), weights);
    expect(pays[2]).toBeCloseTo(9, 14);
    expect([pays[0], pays[1]]).toEqual([0, 0]);
  });

  it('a service may keep a part for itself', () => {
    const weights = weightsOf(2, [
      [0, 0, 1],
      [0, 1, 3],
    ]);
    expect([...passOn(Float64Array.of(8, 0), weights)]).toEqual([2, 6]);
  });

  it('refuses a circle that nobody takes energy out of', () => {
    const weights = weightsOf(3, [
      [0, 1, 1],
      [1, 0, 1],
    ]);
    expect(() => passOn(Float64Array.of(1, 0, 1), weights)).toThrow(
      'energy that in the end reaches someone who keeps it',
    );
  });

  it('refuses negative energy and weights', () => {
    expect(() => passOn(Float64Array.of(-1), new Float64Array(1))).toThrow('spent -1 J');
    expect(() => passOn(Float64Array.of(1), Float64Array.of(-2))).toThrow('passes -2 to 0');
  });

  it('equals passing it on round by round, and conserves every joule', () => {
    let circles = 0;
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 7 }).chain((n) =>
          fc.record({
            energyJ: fc.array(fc.double({ min: 0, max: 1000, noNaN: true }), {
              minLength: n,
              maxLength: n,
            }),
            weights: fc.array(fc.constantFrom(0, 0, 0, 1, 2, 7), {
              minLength: n * n,
              maxLength: n * n,
            }),
          }),
        ),
        ({ energyJ, weights }) => {
          const energy = Float64Array.from(energyJ);
          const table = Float64Array.from(weights);
          let pays: Float64Array;
          try {
            pays = passOn(energy, table);
          } catch (error) {
            expect(String(error)).toContain('in a circle');
            circles++;
            return;
          }
          const whole = Math.max(sum(energy), 1e-12);
          expect(Math.abs(sum(pays) - sum(energy))).toBeLessThanOrEqual(1e-12 * whole);
          const plain = passRoundByRound(energy, table);
          pays.forEach((joules, domain) => {
            expect(joules).toBeGreaterThanOrEqual(0);
            expect(Math.abs(joules - plain[domain]!)).toBeLessThanOrEqual(1e-9 * whole);
          });
        },
      ),
      tries(1000),
    );
    expect(circles).toBeGreaterThan(10);
    expect(circles).toBeLessThan(500);
  });
});
