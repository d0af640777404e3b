import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { counterSpan, IdlePower, longestPeriodS } from '../../../sim/accounting/energy-counter.ts';
import {
  powercapFiles,
  raplRangeUj,
  VirtualCounters,
} from '../../../sim/accounting/virtual-energy.ts';
import { tries } from '../random-cluster.ts';

describe('reading a counter', () => {
  const spec = { rangeUj: raplRangeUj };

  it('adds the range after a wrap instead of losing the span', () => {
    expect(counterSpan(5e6, 7e6, 1, spec).energyJ).toBe(2);
    const span = counterSpan(raplRangeUj - 3_000_000, 4_000_000, 1, spec);
    expect(span).toEqual({ energyJ: 7, rejectedJ: 0, ambiguous: false });
  });

  it('says how long one may wait: 1311 s at 200 W', () => {
    expect(Math.round(longestPeriodS({ ...spec, maxW: 200 }))).toBe(1311);
    expect(counterSpan(0, 1, 1310, { ...spec, maxW: 200 }).ambiguous).toBe(false);
    expect(counterSpan(0, 1, 1311, { ...spec, maxW: 200 }).ambiguous).toBe(true);
  });

  it('does not believe more than the machine can draw: 300 kW at the start of a VM', () => {
    const span = counterSpan(0, 3e11 / 1.2, 1, { rangeUj: raplRangeUj, maxW: 2 * 95 });
    expect(span.energyJ).toBe(190);
    expect(span.rejectedJ).toBeCloseTo(250_000 - 190, 6);
  });

  it('refuses readings outside the range and spans without length', () => {
    expect(() => counterSpan(0, raplRangeUj + 1, 1, spec)).toThrow('a counter that ends at');
    expect(() => counterSpan(0, 1, 0, spec)).toThrow('0 s apart');
  });
});

describe('idle power', () => {
  const tracker = (window: number): IdlePower =>
    new IdlePower(new Float64Array(IdlePower.length(window)));

  it('is the least seen, so that one high reading does not stay', () => {
    const idle = tracker(60);
    expect(idle.idleW).toBe(Infinity);
    for (const powerW of [300_000, 80, 42, 75, 300_000, 44]) idle.observe(powerW);
    expect(idle.idleW).toBe(42);
    // Dynamic power of the next interval is 90 − 42, not 0.
    expect(90 - idle.idleW).toBe(48);
  });

  it('forgets: a machine whose idle power rises is followed within the window', () => {
    const idle = tracker(4);
    idle.observe(30);
    for (let reading = 0; reading < 3; reading++) idle.observe(50);
    expect(idle.idleW).toBe(30);
    idle.observe(50);
    expect(idle.idleW).toBe(50);
  });
});

describe('virtual energy', () => {
  /** What a guest's RAPL reader makes of two values. */
  const read = (before: number, after: number, range: number): number =>
    (after >= before ? after - before : range - before + after) / 1e6;

  it('is energy, not power: a reader sees 20 W whatever the period it is written with', () => {
    for (const periodS of [0.5, 1, 5, 30]) {
      const counters = new VirtualCounters(1, 1);
      const before = counters.energyUj(0, 0);
      for (let second = 0; second < 60; second += periodS) counters.add(0, 0, 20 * periodS);
      expect(read(before, counters.energyUj(0, 0), raplRangeUj) / 60).toBe(20);
    }
  });

  it('never goes back but for wraps, and a reader gets every µJ', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 5_000_000, max: 40_000_000 }),
        fc.array(fc.double({ min: 0, max: 4.9, noNaN: true }), { maxLength: 200 }),
        (rangeUj, charges) => {
          const counters = new VirtualCounters(2, 2, rangeUj);
          let sumJ = 0;
          let readJ = 0;
          for (const energyJ of charges) {
            const before = counters.energyUj(1, 1);
            counters.add(1, 1, energyJ);
            counters.add(0, 1, 1);
            const after = counters.energyUj(1, 1);
            expect(after).toBeGreaterThanOrEqual(0);
            expect(after).toBeLessThan(rangeUj);
            expect(Number.isInteger(after)).toBe(true);
            sumJ += energyJ;
            readJ += read(before, after, rangeUj);
          }
          // At most the fraction of a µJ that is still carried.
          expect(sumJ - readJ).toBeLessThan(1.001e-6);
          expect(sumJ - readJ).toBeGreaterThan(-1e-9);
        },
      ),
      tries(300),
    );
  });

  it('keeps a million charges of a third of a µJ', () => {
    const counters = new VirtualCounters(1, 1);
    for (let charge = 0; charge < 1_000_000; charge++) counters.add(0, 0, 1e-6 / 3);
    expect(Math.abs(counters.energyUj(0, 0) - 333_333)).toBeLessThanOrEqual(1);
  });

  it('refuses to go back', () => {
    expect(() => new VirtualCounters(1, 1).add(0, 0, -1)).toThrow('VM 0 is charged -1 J');
    expect(() => new VirtualCounters(1, 1).add(0, 0, Number.NaN)).toThrow('charged NaN J');
  });

  it('shows the files of Linux powercap', () => {
    const counters = new VirtualCounters(1, 2);
    counters.add(0, 0, 12.3456789);
    counters.add(0, 1, 2);
    const rangeUj = counters.rangeUj;
    const files = powercapFiles([
      {
        name: 'package-0',
        energyUj: counters.energyUj(0, 0),
        rangeUj,
        limitW: 15.5,
        parts: [{ name: 'dram', energyUj: counters.energyUj(0, 1), rangeUj }],
      },
    ]);
    expect(Object.fromEntries(files)).toEqual({
      'intel-rapl/enabled': '1\n',
      'intel-rapl:0/name': 'package-0\n',
      'intel-rapl:0/enabled': '1\n',
      'intel-rapl:0/energy_uj': '12345678\n',
      'intel-rapl:0/max_energy_range_uj': '262143328850\n',
      'intel-rapl:0/constraint_0_name': 'long_term\n',
      'intel-rapl:0/constraint_0_power_limit_uw': '15500000\n',
      'intel-rapl:0:0/name': 'dram\n',
      'intel-rapl:0:0/enabled': '1\n',
      'intel-rapl:0:0/energy_uj': '2000000\n',
      'intel-rapl:0:0/max_energy_range_uj': '262143328850\n',
    });
    const broken = { name: 'package-0', energyUj: 0.5, rangeUj };
    expect(() => powercapFiles([broken])).toThrow('zone package-0 shows 0.5');
  });
});
