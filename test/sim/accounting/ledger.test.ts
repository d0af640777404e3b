import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AccountingMatrix } from '../../../sim/accounting/accounting-matrix.ts';
import { shareIdle } from '../../../sim/accounting/idle-policy.ts';
import { Ledger } from '../../../sim/accounting/ledger.ts';
import { tries } from '../random-cluster.ts';

const joules = fc.oneof(
  fc.constant(0),
  fc.double({ min: 0, max: 1e6, noNaN: true }),
  fc.double({ min: 0, max: 1e-9, noNaN: true }),
);

describe('a ledger against its meter', () => {
  const interval = fc.record({
    charges: fc.array(fc.tuple(fc.nat(4), fc.nat(2), joules, joules), { maxLength: 12 }),
    meters: fc.tuple(joules, joules, joules),
    overrun: fc.constantFrom('carry' as const, 'scale' as const),
  });

  it('charges + unattributed − overdrawn = meter after every interval', () => {
    let carriedDown = 0;
    fc.assert(
      fc.property(fc.array(interval, { minLength: 1, maxLength: 25 }), (intervals) => {
        const ledger = new Ledger(5, 3);
        for (const { charges, meters, overrun } of intervals) {
          for (const charge of charges) ledger.charge(...charge);
          meters.forEach((meterJ, resource) => {
            const { residualJ } = ledger.close(resource, meterJ, overrun);
            if (residualJ < 0) carriedDown++;
            const balance =
              ledger.resourceJ(resource) +
              ledger.unattributedJ[resource]! -
              ledger.overdrawnJ[resource]!;
            const whole = Math.max(ledger.meterJ[resource]!, ledger.resourceJ(resource), 1e-12);
            expect(Math.abs(balance - ledger.meterJ[resource]!)).toBeLessThanOrEqual(1e-9 * whole);
            expect(ledger.unattributedJ[resource]!).toBeGreaterThanOrEqual(0);
            expect(ledger.overdrawnJ[resource]!).toBeGreaterThanOrEqual(0);
            if (ledger.unattributedJ[resource]! > 0) expect(ledger.overdrawnJ[resource]).toBe(0);
          });
        }
        for (const cell of [...ledger.baseJ, ...ledger.accessJ]) {
          expect(cell).toBeGreaterThanOrEqual(0);
        }
      }),
      tries(500),
    );
    expect(carriedDown).toBeGreaterThan(100);
  });

  it('carries what was charged too much, and repays it from what the meter sees later', () => {
    const ledger = new Ledger(1, 1);
    ledger.charge(0, 0, 2, 3);
    expect(ledger.close(0, 4)).toEqual({ meterJ: 4, estimatedJ: 5, residualJ: -1 });
    expect([ledger.unattributedJ[0], ledger.overdrawnJ[0]]).toEqual([0, 1]);
    ledger.charge(0, 0, 0, 1);
    ledger.close(0, 3.5);
    expect([ledger.unattributedJ[0], ledger.overdrawnJ[0]]).toEqual([1.5, 0]);
    expect([ledger.baseJ[0], ledger.accessJ[0], ledger.meterJ[0]]).toEqual([2, 4, 7.5]);
  });

  it('or scales the charges of that interval down to the meter', () => {
    const ledger = new Ledger(2, 1);
    ledger.charge(0, 0, 2, 4);
    ledger.charge(1, 0, 0, 2);
    ledger.close(0, 4, 'scale');
    expect([ledger.domainJ(0), ledger.domainJ(1)]).toEqual([3, 1]);
    expect([ledger.unattributedJ[0], ledger.overdrawnJ[0]]).toEqual([0, 0]);
  });

  it('lives in any stretch of floats, so that a copy of them is a copy of it', () => {
    const column = new Float64Array(7 + Ledger.length(2, 2));
    const ledger = new Ledger(2, 2, column.subarray(7));
    ledger.charge(1, 1, 3, 4);
    ledger.close(1, 8);
    ledger.charge(0, 1, 1, 0);
    const fork = new Ledger(2, 2, column.slice(7));
    for (const each of [ledger, fork]) each.close(1, 2);
    expect(fork.domainJ(0)).toBe(1);
    expect([...fork.unattributedJ]).toEqual([...ledger.unattributedJ]);
    expect(fork.unattributedJ[1]).toBe(2);
  });

  it('refuses what is no charge, no reading or no cell', () => {
    const ledger = new Ledger(2, 2);
    expect(() => ledger.charge(0, 0, -1, 0)).toThrow('a charge of -1 + 0 J');
    expect(() => ledger.charge(0, 0, 0, Number.NaN)).toThrow('a charge of 0 + NaN J');
    expect(() => ledger.charge(2, 0, 1, 0)).toThrow('no cell 2, 0');
    expect(() => ledger.close(0, -1)).toThrow('a meter reading of -1 J');
    expect(() => new Ledger(2, 2, new Float64Array(3))).toThrow('has no room in 3 floats');
  });
});

describe('the accounting matrix', () => {
  /** Idle and active energy unit, chosen so that no other sum gives the same joules. */
  const [i, a] = [1, 100];

  it('bills the toy example: 3i + 2a + 4i + 4a and 3i + 3a + 4i + 6a', () => {
    const [disk] = [0];
    const resource = { cpu: 0, disk: 1 };
    const matrix = new AccountingMatrix(1, 2, 2);
    matrix.record(disk, 0, resource.disk, 3 * i, 2 * a);
    matrix.record(disk, 1, resource.disk, 3 * i, 3 * a);
    // The driver's own CPU, recorded for the client it worked for.
    matrix.record(disk, 0, resource.cpu, 4 * i, 4 * a);
    matrix.record(disk, 1, resource.cpu, 4 * i, 6 * a);
    expect(matrix.billJ(0)).toEqual({ baseJ: 3 * i + 4 * i, accessJ: 2 * a + 4 * a });
    expect(matrix.billJ(1)).toEqual({ baseJ: 3 * i + 4 * i, accessJ: 3 * a + 6 * a });
    expect(matrix.spentJ(resource.disk)).toBe(6 * i + 5 * a);
    expect(matrix.spentJ(resource.cpu)).toBe(8 * i + 10 * a);
  });

  it('refuses what is not in it', () => {
    const matrix = new AccountingMatrix(1, 2, 2);
    expect(() => matrix.record(1, 0, 0, 1, 1)).toThrow('no device 1');
    expect(() => matrix.record(0, 0, 2, 1, 1)).toThrow('no resource 2');
    expect(() => matrix.record(0, 0, 0, -1, 1)).toThrow('a record of -1 + 1 J');
  });
});

describe('idle energy', () => {
  const share = (policy: Parameters<typeof shareIdle>[0]): [number[], number] => {
    const shares = new Float64Array(3);
    const rest = shareIdle(policy, 12, Float64Array.of(1, 2, 3), Float64Array.of(0, 1, 1), shares);
    return [[...shares], rest];
  };

  it('goes to all alike, by reservation, by usage, or to nobody', () => {
    expect(share('even')).toEqual([[4, 4, 4], 0]);
    expect(share('reservation')).toEqual([[2, 4, 6], 0]);
    expect(share('usage')).toEqual([[0, 6, 6], 0]);
    expect(share('none')).toEqual([[0, 0, 0], 12]);
  });

  it('is nobody’s when nobody has a claim', () => {
    const shares = new Float64Array(2);
    expect(shareIdle('usage', 5, shares, new Float64Array(2), shares)).toBe(5);
    expect(shareIdle('even', 5, shares, shares, new Float64Array(0))).toBe(5);
  });
});
