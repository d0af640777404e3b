import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../sim/errors.ts';
import {
  breakEvenS,
  type CState,
  checkCStates,
  chooseCState,
  cstateTables,
  exponentialIdleProfile,
  idleEnergyS,
  meanIdleS,
  packageCState,
  polling,
  predictedIdleProfile,
  transitionEnergyS,
} from '../../../sim/power/cstates.ts';

const skylake = cstateTables['skylake-sp'];
const us = 1e-6;

describe('the rule', () => {
  it('takes the deepest state that idle time and latency limit allow', () => {
    const names = (idleUs: number, limitUs?: number): string =>
      skylake[chooseCState(skylake, idleUs * us, limitUs === undefined ? undefined : limitUs * us)]
        ?.name ?? 'C0';
    expect([1, 2, 19.9, 20, 599, 600, 1e9].map((idle) => names(idle))).toEqual([
      'C0',
      'C1',
      'C1',
      'C1E',
      'C1E',
      'C6',
      'C6',
    ]);
    expect([0, 1, 2, 10, 132, 133].map((limit) => names(1e6, limit))).toEqual([
      'C0',
      'C0',
      'C1',
      'C1E',
      'C1E',
      'C6',
    ]);
  });

  it('of the kernel is the choice of least energy, for all generations', () => {
    const tables = Object.values(cstateTables) as readonly (readonly CState[])[];
    fc.assert(
      fc.property(
        fc.constantFrom(...tables),
        fc.double({ min: -7, max: 0, noNaN: true }).map((exponent) => 10 ** exponent),
        fc.double({ min: 0, max: 1000, noNaN: true }),
        (table, idleS, limitUs) => {
          const chosen = chooseCState(table, idleS, limitUs * us);
          const costs = [polling, ...table.keys()]
            .filter((index) => index === polling || table[index]!.exitLatencyUs <= limitUs)
            .map((index) => idleEnergyS(table, index, idleS));
          const cheapest = Math.min(...costs);
          expect(idleEnergyS(table, chosen, idleS)).toBeLessThanOrEqual(cheapest * (1 + 1e-9));
        },
      ),
      { seed: 2, numRuns: 5000 },
    );
  });

  it('a state breaks even with the next shallower one at its target residency', () => {
    for (const table of Object.values(cstateTables) as readonly (readonly CState[])[]) {
      for (let index = 0; index < table.length; index++) {
        const shallower = index === 0 ? 1 : table[index - 1]!.relativePower;
        if (shallower === table[index]!.relativePower) continue;
        const expected = table[index]!.targetResidencyUs * us;
        expect(breakEvenS(table, index - 1, index)).toBeCloseTo(expected, 12);
      }
    }
    // By hand: 0.65 · 2 µs, then 0.15 · 20 µs, then 0.18 · 600 µs more.
    expect(transitionEnergyS(skylake, 2)).toBeCloseTo((1.3 + 3 + 108) * us, 15);
    expect(transitionEnergyS(skylake, polling)).toBe(0);
  });
});

describe('a core', () => {
  const busy = fc.double({ min: 0, max: 1, noNaN: true });
  const wakeups = fc.double({ min: -1, max: 6, noNaN: true }).map((exponent) => 10 ** exponent);
  const limit = fc.constantFrom(0, 1, 5, 50, 100, 150, 500, Number.POSITIVE_INFINITY);
  const table = fc.constantFrom<readonly CState[]>(...Object.values(cstateTables));
  const settings = { seed: 21, numRuns: 3000 };

  it('by hand: half busy, 1000 wakeups a second, equal intervals of 500 µs', () => {
    const { residency, relativeIdlePower, relativePower, wakeLatencyS } = predictedIdleProfile(
      skylake,
      0.5,
      1000,
    );
    expect(meanIdleS(0.5, 1000)).toBe(500 * us);
    expect(residency).toEqual([0, 0, 1, 0]);
    expect(relativeIdlePower).toBeCloseTo(0.2 + 4.3 / 500, 12);
    expect(relativePower).toBeCloseTo(0.5 + 0.5 * (0.2 + 4.3 / 500), 12);
    expect(wakeLatencyS).toBeCloseTo(10 * us, 15);
  });

  it('with exponential intervals is the integral over their density', () => {
    const tau = 500 * us;
    const exact = exponentialIdleProfile(skylake, 0.5, 1000);
    let [energy, latency] = [0, 0];
    const steps = 400_000;
    for (let step = 0; step < steps; step++) {
      // Midpoints of equal shares of all intervals.
      const idleS = -tau * Math.log(1 - (step + 0.5) / steps);
      const state = chooseCState(skylake, idleS);
      energy += idleEnergyS(skylake, state, idleS);
      latency += (skylake[state]?.exitLatencyUs ?? 0) * us;
    }
    expect(exact.relativeIdlePower).toBeCloseTo(energy / steps / tau, 5);
    expect(exact.wakeLatencyS).toBeCloseTo(latency / steps, 8);
  });

  it('has shares that sum to one, and power between its deepest state and busy', () => {
    fc.assert(
      fc.property(table, busy, wakeups, limit, (states, b, w, limitUs) => {
        for (const of of [predictedIdleProfile, exponentialIdleProfile]) {
          const result = of(states, b, w, limitUs * us);
          const sum = (shares: readonly number[]): number => shares.reduce((a, c) => a + c, 0);
          expect(sum(result.residency)).toBeCloseTo(1, 12);
          expect(sum(result.entries)).toBeCloseTo(1, 12);
          expect(Math.min(...result.residency, ...result.entries)).toBeGreaterThanOrEqual(-1e-15);
          expect(result.relativeIdlePower).toBeLessThanOrEqual(1 + 1e-12);
          expect(result.relativeIdlePower).toBeGreaterThanOrEqual(
            states.at(-1)!.relativePower - 1e-12,
          );
        }
      }),
      settings,
    );
  });

  it('never draws less when busier', () => {
    fc.assert(
      fc.property(table, busy, busy, wakeups, limit, (states, a, b, w, limitUs) => {
        for (const of of [predictedIdleProfile, exponentialIdleProfile]) {
          const [low, high] = [Math.min(a, b), Math.max(a, b)].map(
            (load) => of(states, load, w, limitUs * us).relativePower,
          ) as [number, number];
          expect(low).toBeLessThanOrEqual(high + 1e-9);
        }
      }),
      settings,
    );
  });

  it('never draws more when a higher latency is allowed, nor for knowing each interval', () => {
    fc.assert(
      fc.property(table, busy, wakeups, limit, limit, (states, b, w, one, other) => {
        const [tight, loose] = [Math.min(one, other) * us, Math.max(one, other) * us];
        const exact = (limitS: number): number =>
          exponentialIdleProfile(states, b, w, limitS).relativePower;
        const predicted = (limitS: number): number =>
          predictedIdleProfile(states, b, w, limitS).relativePower;
        expect(exact(loose)).toBeLessThanOrEqual(exact(tight) + 1e-9);
        expect(predicted(loose)).toBeLessThanOrEqual(predicted(tight) + 1e-9);
        // Where every interval has the mean length, knowing the mean is enough; else it is too little.
        const known = exact(loose);
        const cost = predictedIdleProfile(states, b, w, loose).relativePower;
        expect(known).toBeLessThanOrEqual(cost + 1e-9);
      }),
      settings,
    );
  });

  it('that is never woken sleeps as deep as it may; one that never idles does not', () => {
    for (const of of [predictedIdleProfile, exponentialIdleProfile]) {
      expect(of(skylake, 0, 0).relativePower).toBe(0.02);
      expect(of(skylake, 0, 0, 50 * us).relativePower).toBe(0.2);
      expect(of(skylake, 0, 0, 0).relativePower).toBe(1);
      expect(of(skylake, 1, 1000)).toMatchObject({ relativePower: 1, wakeLatencyS: 0 });
    }
  });
});

it('a package sleeps as deep as its shallowest core', () => {
  expect(packageCState([2, 2, 2])).toBe(2);
  expect(packageCState(Int32Array.of(2, 0, 1))).toBe(0);
  expect(packageCState([2, polling, 2])).toBe(polling);
  expect(packageCState([])).toBe(polling);
});

it('all tables get deeper from state to state; others are refused', () => {
  for (const [name, table] of Object.entries(cstateTables)) checkCStates(name, table);
  const [c1, c1e, c6] = skylake;
  expect(() => checkCStates('cstates', [c1!, c6!, c1e!])).toThrow(InputError);
  expect(() => checkCStates('cstates', [c1!, c6!, c1e!])).toThrow('cstates[2]');
  expect(() => checkCStates('cstates', [{ ...c1!, relativePower: 1.1 }])).toThrow('cstates[0]');
  expect(() => checkCStates('cstates', [{ ...c1!, targetResidencyUs: Number.NaN }])).toThrow('[0]');
});
