import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { govern, sampleOf, xeonMips } from '../../../scripts/docs/referees/governed-domain.ts';
import { decayTowards } from '../../../sim/governors/decaying-average.ts';
import { createGovernor, governorKinds, governors } from '../../../sim/governors/index.ts';
import { busyRatio } from '../../../sim/governors/intel-pstate.ts';
import { peltHalfLifeMs } from '../../../sim/governors/schedutil.ts';
import type { GovernorRule } from '../../../sim/index.ts';
import { hostPresets } from '../../../sim/scenario/host-presets.ts';

const mhz = (pstate: number): number => xeonMips[pstate]!;
const slowest = xeonMips.length - 1;

/** What a fresh rule picks at 1.2 GHz with `util` of 1024. */
function fresh(rule: GovernorRule, load: number, util = 0, mips = xeonMips, cores = 4): number {
  const memory = new Float64Array(rule.slots);
  memory[0] = util;
  return rule.next(sampleOf(mips, mips.length - 1, load, { cores }), memory, 0);
}

describe('golden vectors on 1.2 … 2.6 GHz', () => {
  it.each([
    [100, 1200],
    [400, 1300],
    [512, 1700],
    [600, 2000],
    [700, 2300],
    [819, 2600],
    [820, 2600],
    [1023, 2600],
  ])('schedutil: utilization %i of 1024 runs at %i MHz', (util, expected) => {
    expect(mhz(fresh(createGovernor('schedutil'), 0.5, util))).toBe(expected);
  });

  it.each([
    [100, 317_382],
    [400, 1_269_531],
    [512, 1_625_000],
    [600, 1_904_296],
    [700, 2_221_679],
    [819, 2_597_460],
    [820, 2_600_000],
  ])('schedutil: utilization %i asks for %i kHz', (util, kHz) => {
    // A table with entries at, and 1 kHz around, the expected frequency tells it exactly.
    const mips = [2600, 2599.999, (kHz + 1) / 1000, kHz / 1000, (kHz - 1) / 1000, 300];
    const table = [...new Set(mips)].filter((row) => row <= 2600).sort((a, b) => b - a);
    const picked = fresh(createGovernor('schedutil'), 0.5, util, table);
    expect(Math.round(table[picked]! * 1000)).toBe(kHz);
  });

  it.each([
    [5, 1300],
    [10, 1300],
    [25, 1500],
    [50, 1900],
    [80, 2300],
    [94, 2500],
    [95, 2500],
    [96, 2600],
  ])('ondemand: load %i percent runs at %i MHz', (percent, expected) => {
    expect(mhz(fresh(createGovernor('ondemand'), percent / 100))).toBe(expected);
  });

  it('ondemand: a table that descends resolves a tie upward', () => {
    const rule = createGovernor('ondemand', { table_order: 'descending' });
    expect(mhz(fresh(rule, 0.25))).toBe(1600);
  });

  it.each([
    [0.25, 12],
    [0.5, 21],
    [0.75, 31],
    [0.8, 33],
    [0.9, 34],
    [1, 34],
  ])('intel_pstate: busy %d gives ratio %i', (busy, ratio) => {
    // As if the last period had run at the lowest ratio.
    expect(Math.min(34, busyRatio(busy, 12, 34, 12))).toBe(ratio);
    const mips = Array.from({ length: 23 }, (_, row) => 3400 - 100 * row);
    const picked = fresh(createGovernor('intel_pstate_powersave'), busy, 0, mips);
    expect(mips[picked]).toBe(100 * ratio);
  });

  it('intel_pstate falls by halves of the difference', () => {
    // (34 − 12) / 2 = 11 below 34, then ⌊11 / 2⌋ above 12 and so on.
    const seen = [34];
    while (seen.at(-1) !== 12) seen.push(busyRatio(0, 12, 34, seen.at(-1)!));
    expect(seen).toEqual([34, 23, 17, 14, 13, 12]);
  });

  it('conservative: eleven samples from 1.2 to 2.6 GHz by 130 MHz, and eleven back', () => {
    const rule = createGovernor('conservative');
    const memory = new Float64Array(rule.slots);
    let pstate = slowest;
    const up = Array.from({ length: 11 }, () => {
      pstate = rule.next(sampleOf(xeonMips, pstate, 1), memory, 0);
      return mhz(pstate);
    });
    // 1330, 1460, … 2500, then the maximum; the highest entry at or below.
    expect(up).toEqual([1300, 1400, 1500, 1700, 1800, 1900, 2100, 2200, 2300, 2500, 2600]);
    const down = Array.from({ length: 11 }, () => {
      pstate = rule.next(sampleOf(xeonMips, pstate, 0.1), memory, 0);
      return mhz(pstate);
    });
    // 2470, 2340, … 1300, then the minimum; the lowest entry at or above.
    expect(down).toEqual([2500, 2400, 2300, 2100, 2000, 1900, 1700, 1600, 1500, 1300, 1200]);
  });
});

describe('utilization', () => {
  it.each([
    [0.5, 32],
    [0.8, 74.3],
    [0.9, 106.3],
  ])('reaches %d of a step after %d periods of 1.024 ms', (fraction, periods) => {
    const reached = decayTowards(0, 1, periods * 1.024, peltHalfLifeMs);
    expect(Math.abs(reached - fraction)).toBeLessThan(2e-4);
  });

  it('is what the sum over 1024 µs periods makes it', () => {
    // util = 1024 (1 − y) Σ y^k over busy periods, y^32 = 1/2, added up one by one.
    const y = Math.exp(Math.log(0.5) / 32);
    const busy = Array.from({ length: 200 }, (_, period) => ((period * 7) % 13) / 13);
    let [sum, average] = [0, 0];
    for (const fraction of busy) {
      sum = sum * y + (1 - y) * 1024 * fraction;
      average = decayTowards(average, 1024 * fraction, 1.024, peltHalfLifeMs);
    }
    expect(Math.abs(average - sum)).toBeLessThan(1e-9);
  });

  it('takes a saturated CPU from 1.2 to 2.6 GHz in about 200 ms', () => {
    const { changes } = govern(
      createGovernor('schedutil'),
      {
        mips: xeonMips,
        cores: 1,
        periodMs: 4,
        steps: [{ fromMs: 0, demand: 10 }],
        untilMs: 1000,
        pstate: slowest,
      },
      false,
    );
    const [ms, pstate] = changes.at(-1)!;
    expect(pstate).toBe(0);
    expect(ms).toBeGreaterThan(180);
    expect(ms).toBeLessThan(220);
  });
});

describe('on every table each P-state is reached', () => {
  const tables = Object.entries(hostPresets).map(
    ([name, preset]) => [name, preset.pstates.map((row) => row.coreMips)] as const,
  );
  tables.push(['xeon', [...xeonMips]]);

  it.each(tables)('%s', (_, mips) => {
    const all = mips.map((__, row) => row);
    const seenBy = (pick: (load: number) => number): number[] => {
      const loads = Array.from({ length: 101 }, (__, percent) => percent / 100);
      return [...new Set(loads.map(pick))].sort((a, b) => a - b);
    };
    const rule = (name: string): GovernorRule => createGovernor(name);
    expect(seenBy((load) => fresh(rule('ondemand'), load, 0, mips))).toEqual(all);
    expect(seenBy((load) => fresh(rule('schedutil'), load, 1024 * load, mips))).toEqual(all);
    expect(seenBy((load) => fresh(rule('intel_pstate_powersave'), load, 0, mips))).toEqual(all);
    expect(seenBy((load) => fresh(rule('intel_pstate_hwp'), load, 1024 * load, mips))).toEqual(all);
  });

  it.each(tables)('%s, by conservative in the course of time', (_, mips) => {
    const steps = { up: 1, down: 0 };
    const rule = createGovernor('conservative', { freq_step: 1 });
    const memory = new Float64Array(rule.slots);
    const seen = new Set<number>();
    let pstate = mips.length - 1;
    for (const load of [...Array(200).fill(steps.up), ...Array(200).fill(steps.down)]) {
      pstate = rule.next(sampleOf(mips, pstate, load as number), memory, 0);
      seen.add(pstate);
    }
    expect(seen.size).toBe(mips.length);
  });
});

const table = fc
  .uniqueArray(fc.integer({ min: 300, max: 5000 }), { minLength: 1, maxLength: 16 })
  .map((mips) => mips.sort((a, b) => b - a));
const unit = fc.integer({ min: 0, max: 1000 }).map((thousandth) => thousandth / 1000);

describe('any rule', () => {
  it('stays within the limits', () => {
    const property = fc.property(
      fc.constantFrom(...governors),
      table,
      fc.array(fc.tuple(unit, unit, unit, fc.nat({ max: 3 })), { minLength: 1, maxLength: 30 }),
      fc.constantFrom(1, 4),
      (rule, mips, samples, cores) => {
        const memory = new Float64Array(rule.slots);
        const last = mips.length - 1;
        let pstate = last;
        samples.forEach(([load, a, b, ioWakeups], index) => {
          const [low, high] = a < b ? [a, b] : [b, a];
          const minPstate = Math.round(low * last);
          const maxPstate = Math.round(high * last);
          const nowMs = 4 * index + 4;
          rule.track?.(memory, 0, 4, load, mips[pstate]! / mips[0]!);
          const more = { nowMs, elapsedMs: 4, cores, minPstate, maxPstate, ioWakeups };
          pstate = rule.next(sampleOf(mips, pstate, load, more), memory, 0);
          expect(pstate).toBeGreaterThanOrEqual(minPstate);
          expect(pstate).toBeLessThanOrEqual(maxPstate);
          expect([...memory].every(Number.isFinite)).toBe(true);
        });
        rule.reset?.(memory, 0);
        expect([...memory].every((value) => value === 0)).toBe(true);
      },
    );
    fc.assert(property, { seed: 3, numRuns: 1000 });
  });

  it('never runs slower at a higher load, all else equal', () => {
    const property = fc.property(
      fc.constantFrom(...governors),
      table,
      unit,
      unit,
      unit,
      (rule, mips, a, b, where) => {
        const pstate = Math.round(where * (mips.length - 1));
        const pick = (load: number): number => {
          const memory = new Float64Array(rule.slots);
          rule.track?.(memory, 0, 1000, load, mips[pstate]! / mips[0]!);
          return rule.next(sampleOf(mips, pstate, load), memory, 0);
        };
        expect(pick(Math.max(a, b))).toBeLessThanOrEqual(pick(Math.min(a, b)));
      },
    );
    fc.assert(property, { seed: 4, numRuns: 2000 });
  });
});

describe('left out samples', () => {
  const tuned: readonly GovernorRule[] = [
    ...governors,
    createGovernor('ondemand', { sampling_down_factor: 3 }),
    createGovernor('ondemand', { powersave_bias: 150 }),
    createGovernor('conservative', { sampling_down_factor: 4, freq_step: 2 }),
    createGovernor('schedutil', { rate_limit_us: 30_000 }),
    createGovernor('schedutil', { frequency_invariant: false }),
    createGovernor('schedutil', { uclamp_min: 20, uclamp_max: 70 }),
    createGovernor('userspace', { setspeed: 1_000_000 }),
  ];
  const steps = fc.array(
    fc.record({
      // Half of the changes lie on the grids, half anywhere.
      waitMs: fc.oneof(
        fc.integer({ min: 0, max: 100 }).map((periods) => 20 * periods),
        fc.double({ min: 0, max: 2000, noNaN: true }),
      ),
      demand: fc.oneof(unit, fc.constantFrom(0, 0.5, 0.8, 1, 1.5)),
    }),
    { minLength: 1, maxLength: 12 },
  );

  it.each(tuned.map((rule, index) => [rule.name, index] as const))(
    '%s (%i) change nothing',
    (_, index) => {
      const rule = tuned[index]!;
      let [every, parked] = [0, 0];
      const property = fc.property(
        table,
        steps,
        fc.constantFrom(1, 4),
        fc.constantFrom(4, 10),
        unit,
        (mips, waits, cores, periodMs, where) => {
          let fromMs = 0;
          const timed = waits.map(({ waitMs, demand }) => {
            fromMs += waitMs;
            return { fromMs, demand };
          });
          const pstate = Math.round(where * (mips.length - 1));
          const untilMs = fromMs + 3000;
          const domain = { mips, cores, periodMs, steps: timed, untilMs, pstate };
          const full = govern(rule, domain, false);
          const lazy = govern(rule, domain, true);
          expect(lazy.changes).toEqual(full.changes);
          every += full.samples;
          parked += lazy.samples;
        },
      );
      fc.assert(property, { seed: 5, numRuns: 150 });
      // Rules whose memory moves by itself sample more often, the others hardly.
      expect(parked).toBeLessThan(every);
    },
  );

  // The loads that ondemand and intel_pstate measure depend on the frequency they chose: for some
  // demands they go round in a circle of P-states for ever, and so do the kernel's.
  it('cost a handful of samples per change of load, where the rule comes to rest', () => {
    const circling = ['ondemand', 'intel_pstate_powersave'];
    for (const rule of governors.filter(({ name }) => !circling.includes(name))) {
      const hours = Array.from({ length: 24 }, (_, hour) => ({
        fromMs: hour * 3_600_000,
        demand: ((hour * 7) % 24) / 24,
      }));
      const domain = {
        mips: xeonMips,
        cores: 4,
        periodMs: rule.periodMs,
        steps: hours,
        untilMs: 24 * 3_600_000,
        pstate: 0,
      };
      expect(govern(rule, domain, true).samples, rule.name).toBeLessThan(24 * 40);
    }
  });
});

describe('createGovernor', () => {
  it('knows every kind, and kinds and rules go by the same position', () => {
    expect(governors.map((rule) => rule.name)).toEqual(governorKinds.map((kind) => kind.name));
    for (const kind of governorKinds) expect(createGovernor(kind.name).name).toBe(kind.name);
  });

  it('says what is wrong', () => {
    expect(() => createGovernor('fast')).toThrow(/one of performance, powersave, ondemand/);
    expect(() => createGovernor('ondemand', { up: 3 })).toThrow(/governor\.up: expected .*up_thr/);
    expect(() => createGovernor('ondemand', { up_threshold: 101 })).toThrow(/up_threshold.*101/);
    expect(() => createGovernor('conservative', { down_threshold: 80 })).toThrow(/less than 80/);
  });
});
