/** The parts of the policies against numbers worked out by hand. */
import { describe, expect, it } from 'vitest';
import {
  type Action,
  advance,
  checkInvariants,
  createPolicy,
  decideOnce,
  defaultObjective,
  InputError,
  Plan,
  runPolicy,
  type Twin,
} from '../../sim/index.ts';
import { createDetector } from '../../sim/policies/detectors/index.ts';
import { createForecastScratch, forecast } from '../../sim/policies/detectors/regression.ts';
import { interquartileRange, medianDeviation } from '../../sim/policies/detectors/spread.ts';
import { Draft } from '../../sim/policies/draft.ts';
import { indexKinds, policyKinds } from '../../sim/policies/index.ts';
import {
  bestFit,
  chooseHost,
  firstFit,
  leastOverloaded,
  type PlacementRule,
  powerAwareFit,
  worstFit,
} from '../../sim/policies/placement.ts';
import { createSelection, type SelectionName } from '../../sim/policies/selections/index.ts';
import {
  type ClusterOptions,
  startTwin,
  threePstates,
  type VmOptions,
  viewOf,
} from '../builders.ts';

const minute = 60_000;

/** A draft of the cluster as it is now, with an empty plan. */
function draftOf(twin: Twin, lookback = 1): Draft {
  const draft = new Draft();
  draft.load(viewOf(twin), new Plan(), lookback);
  return draft;
}

/** A twin that has measured all rows of its demand. */
function measured(options: ClusterOptions): Twin {
  const twin = startTwin(options);
  const { intervalMs, steps } = twin.model.workload;
  advance(twin, steps * intervalMs, checkInvariants);
  return twin;
}

/** What `spec` plans for the cluster now. */
function planOf(twin: Twin, spec: unknown): readonly Action[] {
  const { plan, refused } = decideOnce(twin, createPolicy(spec, 'policy'));
  expect(refused).toEqual([]);
  return plan.actions;
}

describe('spread', () => {
  it('takes quartiles by rank', () => {
    // n = 12: ranks round(0.25 × 13) = round(3.25) = 3 and round(0.75 × 13) = round(9.75) = 10.
    const sorted = Float64Array.from([1, 2, 4, 7, 8, 9, 10, 11, 12, 20, 30, 40]);
    expect(interquartileRange(sorted)).toBe(20 - 4);
  });

  it('takes the median distance from the median', () => {
    // Median (5 + 7) / 2 = 6; distances 5 4 1 1 3 14, sorted 1 1 3 4 5 14: median 3.5.
    expect(medianDeviation(Float64Array.from([1, 2, 5, 7, 9, 20]))).toBe(3.5);
    // Odd: median 5; distances 4 3 0 2 15, sorted 0 2 3 4 15: median 3.
    expect(medianDeviation(Float64Array.from([1, 2, 5, 7, 20]))).toBe(3);
  });
});

describe('forecast', () => {
  const scratch = createForecastScratch();

  it('continues a straight line, with and without robust passes', () => {
    // Newest 0.50, each interval before 0.02 less: next 0.52, and 0.56 after three.
    const line = Float64Array.from({ length: 10 }, (_, age) => 0.5 - 0.02 * age);
    expect(forecast(line, 1, 0, scratch)).toBeCloseTo(0.52, 12);
    expect(forecast(line, 3, 2, scratch)).toBeCloseTo(0.56, 12);
  });

  it('weighs by tricube: the oldest of ten values counts for nothing', () => {
    const line = Float64Array.from({ length: 10 }, (_, age) => (age === 9 ? 77 : 0.3));
    expect(forecast(line, 1, 0, scratch)).toBeCloseTo(0.3, 12);
  });

  it('follows an outlier without robust passes and ignores it with them', () => {
    // A flat 0.3 with one peak of 0.9 just now. All residuals but the peak's are of one size, the
    // peak's is far beyond six times their median once the line has settled.
    const peak = Float64Array.from({ length: 10 }, (_, age) =>
      age === 2 ? 0.9 : 0.3 + 0.001 * (age % 2),
    );
    expect(forecast(peak, 1, 0, scratch)).toBeGreaterThan(0.45);
    expect(forecast(peak, 1, 2, scratch)).toBeGreaterThan(0.29);
    expect(forecast(peak, 1, 2, scratch)).toBeLessThan(0.31);
  });
});

describe('detectors', () => {
  const limit = (
    twin: Twin,
    name: 'thr' | 'iqr' | 'mad' | 'lr' | 'lrr',
    parameter: number,
  ): number => createDetector(name, parameter)(draftOf(twin), 0);

  // Twelve rows, host of 4000 MIPS, two VMs whose sum is 400 × 1 … 12: fractions 0.1 … 1.2.
  const rising = Array.from({ length: 12 }, (_, row) => 200 * (row + 1));
  const twoVms: ClusterOptions = {
    hosts: 1,
    vms: [
      { demandMips: rising, host: 0, vcpus: 4 },
      { demandMips: rising, host: 0, vcpus: 4 },
    ],
  };

  it('thr is a fraction of capacity', () => {
    expect(limit(measured(twoVms), 'thr', 0.8)).toBe(3200);
  });

  it('iqr and mad leave room in proportion to the spread', () => {
    const twin = measured(twoVms);
    // Quartiles have ranks 3 and 10: 0.3 and 1.0, a range of 0.7. 1 − 0.5 × 0.7 = 0.65.
    expect(limit(twin, 'iqr', 0.5)).toBeCloseTo(0.65 * 4000, 9);
    // Median 0.65; distances 0.05 0.05 0.15 0.15 … 0.55 0.55: median (0.25 + 0.35) / 2 = 0.3.
    expect(limit(twin, 'mad', 0.5)).toBeCloseTo((1 - 0.5 * 0.3) * 4000, 9);
    // More spread than room: nothing may stay.
    expect(limit(twin, 'iqr', 2)).toBe(0);
  });

  it('lr leaves the expected rise free', () => {
    // The line rises by 0.1 per interval: at most 1 / 1.25 − 0.1 = 0.7 now.
    expect(limit(measured(twoVms), 'lr', 1.25)).toBeCloseTo(0.7 * 4000, 6);
    expect(limit(measured(twoVms), 'lrr', 1.25)).toBeCloseTo(0.7 * 4000, 6);
  });

  it('lr looks further ahead when a copy takes longer than an interval', () => {
    // 2 GiB at 3 MiB/s take 683 s, three intervals of 300 s: 1 / 1.25 − 3 × 0.1 = 0.5.
    const slow = { bytesPerS: 3 * 1024 * 1024, dirtyIntensity: 0, workingSetBytes: 0 };
    expect(limit(measured({ ...twoVms, migration: slow }), 'lr', 1.25)).toBeCloseTo(0.5 * 4000, 6);
  });

  it('lrr, not lr, looks past a single peak', () => {
    // About 1000 MIPS but for 3000 two intervals ago. Without the peak nothing rises: 1 / 1.25.
    const peak = Array.from({ length: 10 }, (_, row) => (row === 7 ? 3000 : 1000 + 4 * (row % 2)));
    const twin = measured({ hosts: 1, vms: [{ demandMips: peak, host: 0, vcpus: 4 }] });
    expect(Math.abs(limit(twin, 'lrr', 1.25) - 3200)).toBeLessThan(20);
    expect(limit(twin, 'lr', 1.25)).toBeLessThan(2800);
  });

  it('without enough history, 70 % of capacity', () => {
    const few = measured({ hosts: 1, vms: [{ demandMips: rising.slice(0, 9), host: 0 }] });
    for (const name of ['iqr', 'mad', 'lr', 'lrr'] as const) expect(limit(few, name, 1)).toBe(2800);
    // Eleven rows are enough for a line but not for a spread.
    const eleven = measured({ hosts: 1, vms: [{ demandMips: rising.slice(0, 11), host: 0 }] });
    expect(limit(eleven, 'iqr', 1)).toBe(2800);
    expect(limit(eleven, 'lr', 1.25)).toBeCloseTo((0.8 - 0.05) * 4000, 6);
  });

  it('count only intervals in which all VMs of the host were measured', () => {
    const late = measured({
      hosts: 1,
      vms: [
        { demandMips: rising, host: 0 },
        { demandMips: rising, arrivalS: 1500 },
      ],
    });
    decideOnce(late, createPolicy('all-on', 'policy'));
    expect(limit(late, 'lr', 1.25)).toBe(2800);
  });
});

describe('selection', () => {
  const choose = (name: SelectionName, vms: readonly VmOptions[], draws: number[] = []): number => {
    const twin = measured({ hosts: 1, vms: vms.map((vm) => ({ ...vm, host: 0 })) });
    const chance = {
      float: () => 0.5,
      integer: (bound: number) => Math.min(draws.pop()!, bound - 1),
    };
    return createSelection(name).choose(draftOf(twin), 0, chance);
  };

  it('mmt takes the least memory, the first of equals', () => {
    expect(choose('mmt', [{ memoryGib: 3 }, { memoryGib: 1 }, { memoryGib: 1 }])).toBe(1);
  });

  it('mu takes the least use of its own size', () => {
    // 300 of 2000 is 15 %; 200 of 1000 is 20 %, though less in MIPS.
    const vms = [{ demandMips: 1000 }, { demandMips: 200, vcpus: 1 }, { demandMips: 300 }];
    expect(choose('mu', vms)).toBe(2);
  });

  it('rs takes what chance says', () => {
    expect(choose('rs', [{}, {}, {}], [2])).toBe(2);
    expect(choose('rs', [{}, {}, {}], [0])).toBe(0);
  });

  it('mc takes the VM that goes along with the others', () => {
    // VM 1 is nearly the sum of VMs 0 and 2, which have nothing to do with each other: R² of VM 1
    // is near 1. VM 3 goes its own way.
    const a = [10, 90, 10, 90, 10, 90, 10, 90];
    const b = [10, 10, 90, 90, 10, 10, 90, 90];
    const sum = a.map((mips, row) => mips + b[row]! + (row === 3 ? 1 : 0));
    const own = [50, 20, 40, 60, 60, 70, 20, 30];
    const vms = [a, sum, b, own].map((demandMips) => ({ demandMips }));
    expect(choose('mc', vms)).toBe(1);
  });

  it('mc goes by memory when history is short or says nothing', () => {
    const short = [
      { demandMips: [1, 2], memoryGib: 3 },
      { demandMips: [2, 1], memoryGib: 2 },
    ];
    expect(choose('mc', short)).toBe(1);
    const flat = Array.from({ length: 8 }, () => 100);
    expect(choose('mc', [{ demandMips: flat, memoryGib: 3 }, { demandMips: flat }])).toBe(1);
  });
});

describe('placement', () => {
  // Host loads 1000, 2500, 0 of 4000 MIPS; VM 2 asks for 500.
  const loads: ClusterOptions = {
    hosts: 3,
    vms: [{ demandMips: 1000, host: 0 }, { demandMips: 2500, host: 1 }, { demandMips: 500 }],
  };
  const placed = (options: ClusterOptions, vm: number, rule: PlacementRule): number => {
    const draft = draftOf(measured(options));
    for (let host = 0; host < draft.peakMips.length; host++) {
      draft.limitMips[host] = 0.8 * draft.peakMips[host]!;
    }
    draft.demandMips[vm] = 500;
    return chooseHost(draft, vm, rule, true);
  };

  it('first-fit takes the first, best-fit the fullest, worst-fit the emptiest', () => {
    expect(placed(loads, 2, firstFit)).toBe(0);
    // 3000 of at most 3200.
    expect(placed(loads, 2, bestFit)).toBe(1);
    expect(placed(loads, 2, worstFit)).toBe(2);
  });

  it('takes the lowest id among equals', () => {
    const alike = { hosts: 3, vms: [{ demandMips: 500, host: 0 }, {}, {}] };
    for (const rule of [bestFit, worstFit, powerAwareFit]) {
      // Hosts 1 and 2 are empty and alike; host 0 is the fullest.
      expect(placed({ ...alike, hosts: [{ memoryGib: 3 }, {}, {}] }, 1, rule)).toBe(1);
    }
  });

  it('never goes over the limit or over memory', () => {
    const full = { ...loads, hosts: [{ memoryGib: 3 }, {}, { initiallyOn: false }] };
    // Host 0 has 1 GiB left of 3, the VM needs 2; host 1 takes it up to 3000 of 3200 MIPS.
    for (const rule of [firstFit, bestFit, worstFit, powerAwareFit]) {
      expect(placed(full, 2, rule)).toBe(1);
    }
    const busier = {
      ...full,
      vms: [loads.vms![0]!, { demandMips: 2800, host: 1 }, loads.vms![2]!],
    };
    // 2800 + 500 > 3200: only the sleeping host is left.
    for (const rule of [firstFit, bestFit, worstFit, powerAwareFit]) {
      expect(placed(busier, 2, rule)).toBe(2);
    }
  });

  it('power-aware fit takes the least rise in power, waking included', () => {
    const vms: readonly VmOptions[] = [
      { demandMips: 1000, host: 0 },
      { demandMips: 1000, host: 1 },
      { demandMips: 500 },
    ];
    // +500 of 4000 MIPS is 12.5 % of the range from idle to full:
    // host 0: 0.125 × (200 − 100) = 12.5 W; host 1: 0.125 × (180 − 120) = 7.5 W;
    // host 2 sleeps: 20 + 0.125 × (30 − 20) − 5 off = 16.25 W.
    const hosts = [{}, { idleW: 120, fullW: 180 }, { idleW: 20, fullW: 30, initiallyOn: false }];
    expect(placed({ hosts, vms }, 2, powerAwareFit)).toBe(1);
    // A host that sleeps but draws 6 W for it costs 10 + 1.25 − 6 = 5.25 W: it is woken.
    const thrifty = { idleW: 10, fullW: 20, offW: 6, initiallyOn: false };
    expect(placed({ hosts: [{}, hosts[1]!, thrifty], vms }, 2, powerAwareFit)).toBe(2);
  });

  it('counts VMs placed earlier in the same plan', () => {
    // 3 × 1500 MIPS: two fill a host of 4000 up to 3000 of 3200, the third must go elsewhere.
    const vms = [1500, 1500, 1500].map((demandMips) => ({ demandMips, vcpus: 2 }));
    const twin = measured({ hosts: 3, vms });
    const actions = planOf(twin, { name: 'first-fit', lookback: 1 });
    // Nothing was measured while they waited: each counts with its size of 2000 MIPS.
    expect(actions.filter(({ type }) => type === 'place')).toEqual([
      { type: 'place', vm: 0, host: 0 },
      { type: 'place', vm: 1, host: 1 },
      { type: 'place', vm: 2, host: 2 },
    ]);
  });

  it('starts with the VM that asks for most', () => {
    // 3000 fit on host 0; 1000 more are over 3200. The other way round host 1 would get the 3000.
    const twin = measured({ hosts: 2, vms: [{ vcpus: 1 }, { vcpus: 3 }] });
    expect(planOf(twin, 'first-fit')).toEqual([
      { type: 'place', vm: 1, host: 0 },
      { type: 'place', vm: 0, host: 1 },
    ]);
  });

  it('prefers cores as fast as the vCPUs, and an overloaded host to none', () => {
    const hosts = [{ coreMips: 1000 }, { coreMips: 2000 }];
    const fast = { hosts, vms: [{ vcpuMips: 2000, vcpus: 1, demandMips: 100 }] };
    expect(placed(fast, 0, firstFit)).toBe(1);
    const crowded = measured({
      hosts: 2,
      vms: [{ demandMips: 4000, vcpus: 4, host: 0 }, { demandMips: 3500, vcpus: 4, host: 1 }, {}],
    });
    expect(chooseHost(draftOf(crowded), 2, firstFit, true)).toBe(-1);
    expect(leastOverloaded(draftOf(crowded), 2)).toBe(1);
  });
});

describe('consolidation', () => {
  it('moves the VM of the least-used host and switches that host off', () => {
    const twin = measured({
      hosts: 2,
      vms: [
        { demandMips: 400, host: 0 },
        { demandMips: 1200, host: 1 },
      ],
    });
    for (const spec of ['pabfd', 'best-fit', 'first-fit', 'worst-fit', 'thr-mmt']) {
      expect(planOf(twin.fork(), spec), spec).toEqual([
        { type: 'migrate', vm: 0, host: 1 },
        { type: 'powerOff', host: 0 },
      ]);
    }
  });

  it('leaves a host alone when not all its VMs fit elsewhere', () => {
    const twin = measured({
      hosts: 2,
      vms: [
        { demandMips: 900, host: 0 },
        { demandMips: 500, host: 0 },
        { demandMips: 2000, host: 1 },
      ],
    });
    // Host 1 has 3200 − 2000 = 1200 MIPS left: 900 fit, 500 more do not.
    expect(planOf(twin, 'pabfd')).toEqual([]);
  });

  it('tries the next host when one cannot be drained, which stays open for others', () => {
    // Host 0 at 45 % is tried first: 1000 + 1800 > 1600 on host 1. Host 1 at 50 %: 1800 + 1000 fit.
    const twin = measured({
      hosts: [{}, { cores: 2 }],
      vms: [
        { demandMips: 1800, host: 0 },
        { demandMips: 1000, host: 1 },
      ],
    });
    expect(planOf(twin, 'pabfd')).toEqual([
      { type: 'migrate', vm: 1, host: 0 },
      { type: 'powerOff', host: 1 },
    ]);
  });

  it('gives back what a failed drain had taken', () => {
    // Host 0 at 35 % is tried first: 900 and their 2 GiB fit on host 1 (2200 of 3200, 2 of 4 GiB
    // free), 500 more fit nowhere. Then host 2 at 45 % needs the same room on host 1.
    const twin = measured({
      hosts: [{ memoryGib: 4 }, { memoryGib: 4 }, { cores: 2, memoryGib: 2 }],
      vms: [
        { demandMips: 900, host: 0 },
        { demandMips: 500, host: 0 },
        { demandMips: 2200, vcpus: 4, host: 1 },
        { demandMips: 900, host: 2 },
      ],
    });
    expect(planOf(twin, 'pabfd')).toEqual([
      { type: 'migrate', vm: 3, host: 1 },
      { type: 'powerOff', host: 2 },
    ]);
  });

  it('does not drain a host whose VMs were busy a moment ago', () => {
    const twin = measured({
      hosts: 2,
      vms: [
        { demandMips: [1900, 1900, 100], host: 0 },
        { demandMips: 1500, host: 1 },
      ],
    });
    // The peak of 1900 beside 1500 is over 3200; the newest 100 would fit.
    expect(planOf(twin.fork(), 'pabfd')).toEqual([]);
    expect(planOf(twin.fork(), { name: 'pabfd', lookback: 1 })).toHaveLength(2);
  });

  it('does not drain for more moves than the budget allows', () => {
    const twin = measured({
      hosts: 2,
      vms: [
        { demandMips: 400, host: 0 },
        { demandMips: 300, host: 0 },
        { demandMips: 1200, host: 1 },
      ],
    });
    const { plan } = decideOnce(twin, createPolicy('pabfd', 'policy'), { migrations: 1 });
    // Host 0 needs two moves, host 1 only one: it is drained instead.
    expect(plan.actions).toEqual([
      { type: 'migrate', vm: 2, host: 0 },
      { type: 'powerOff', host: 1 },
    ]);
  });

  it('switches off empty hosts but the last', () => {
    const empty = measured({ hosts: 3, steps: 1, vms: [{ memoryGib: 99 }] });
    expect(planOf(empty, 'pabfd')).toEqual([
      { type: 'powerOff', host: 2 },
      { type: 'powerOff', host: 1 },
    ]);
  });

  it('wakes a host for what no running host has room for', () => {
    const twin = measured({
      hosts: [{}, { initiallyOn: false }],
      vms: [
        { demandMips: 1800, host: 0, memoryGib: 3 },
        { demandMips: 1700, host: 0 },
        { demandMips: 1000, host: 0, memoryGib: 3 },
      ],
    });
    // 4500 of 4000 MIPS. VM 1 has the least memory; without it 2800 are left, within 3200.
    for (const spec of ['pabfd', 'best-fit', 'thr-mmt']) {
      const fork = twin.fork();
      expect(planOf(fork, spec), spec).toEqual([
        { type: 'powerOn', host: 1 },
        { type: 'migrate', vm: 1, host: 1 },
      ]);
      // 60 s later the host is up and the move begins; 2 GiB at 100 MiB/s take 20.48 s.
      advance(fork, fork.nowMs + 81 * 1000, checkInvariants);
      expect(viewOf(fork).residentCount(1)).toBe(1);
    }
  });

  it('relieves at 80 % under thr, at capacity under pabfd', () => {
    const twin = measured({
      hosts: [{}, {}],
      vms: [
        { demandMips: 1900, host: 0 },
        { demandMips: 1700, host: 0 },
        { demandMips: 1900, host: 1 },
      ],
    });
    // 3600 of 4000 MIPS is 90 %. VM 0 goes first (equal memory, lowest id): 1700 stay. It fits
    // nowhere: 1900 + 1900 > 3200, and nothing sleeps, so it stays too.
    expect(planOf(twin.fork(), 'thr-mmt')).toEqual([]);
    expect(planOf(twin.fork(), 'pabfd')).toEqual([]);
    const roomier = measured({
      hosts: [{}, {}],
      vms: [
        { demandMips: 1900, host: 0 },
        { demandMips: 1700, host: 0 },
        { demandMips: 1000, host: 1 },
      ],
    });
    expect(planOf(roomier.fork(), 'thr-mmt')).toEqual([{ type: 'migrate', vm: 0, host: 1 }]);
    expect(planOf(roomier.fork(), 'pabfd')).toEqual([]);
  });

  it('moves on the VMs of a host that was told to shut down', () => {
    const twin = measured({
      hosts: 2,
      vms: [
        { demandMips: 400, host: 0 },
        { demandMips: 1200, host: 1 },
      ],
    });
    twin.state.hostDraining[0] = 1;
    expect(planOf(twin, 'thr-mmt')).toEqual([{ type: 'migrate', vm: 0, host: 1 }]);
  });
});

describe('frequency', () => {
  it('follows the demand that the host will have', () => {
    // 1000 of 4000 MIPS at 1000 MHz: target 500 + 0.25 × 500 = 625, nearest of 1000, 750, 500 on
    // a tie the slower one: 500, P-state 2.
    const twin = measured({
      hosts: [{ pstates: threePstates }],
      vms: [{ demandMips: 1000, host: 0 }],
    });
    expect(planOf(twin.fork(), 'ondemand')).toEqual([{ type: 'setPstate', host: 0, pstate: 2 }]);
    expect(planOf(twin.fork(), 'powersave')).toEqual([{ type: 'setPstate', host: 0, pstate: 2 }]);
    expect(planOf(twin.fork(), 'performance')).toEqual([]);
    expect(planOf(twin.fork(), { name: 'pabfd', frequency: 'ondemand' })).toHaveLength(1);
  });

  it('comes back to full speed under load', () => {
    const options = { pstates: threePstates, initialPstate: 2 };
    const twin = measured({ hosts: [options], vms: [{ demandMips: 2000, host: 0 }] });
    // 2000 of 4 × 500 MIPS is a load of 1.
    expect(planOf(twin.fork(), 'ondemand')).toEqual([{ type: 'setPstate', host: 0, pstate: 0 }]);
    expect(planOf(twin.fork(), { name: 'all-on', frequency: 'none' })).toEqual([]);
  });

  it('leaves hosts that are not up yet', () => {
    const asleep = { pstates: threePstates, initiallyOn: false };
    expect(planOf(measured({ hosts: [{}, asleep] }), 'powersave')).toEqual([
      { type: 'powerOn', host: 1 },
    ]);
  });
});

describe('the view', () => {
  it('shows no demand before its interval is over', () => {
    const twin = startTwin({ hosts: 1, vms: [{ demandMips: [100, 200, 300], host: 0 }] });
    const seen = (): number[] => {
      const view = viewOf(twin);
      return [view.demandMips(0), view.observations(0), view.hostDemandMips(0)];
    };
    // Nothing measured: 2 × 1000 MIPS.
    expect(seen()).toEqual([2000, 0, 2000]);
    advance(twin, 5 * minute - 1);
    expect(seen()).toEqual([2000, 0, 2000]);
    advance(twin, 5 * minute);
    expect(seen()).toEqual([100, 1, 100]);
    advance(twin, 11 * minute);
    expect(seen()).toEqual([200, 2, 200]);
    expect([viewOf(twin).demandAt(0, 1), viewOf(twin).demandAt(0, 2)]).toEqual([200, 100]);
  });
});

describe('createPolicy', () => {
  const issuesOf = (spec: unknown): InputError['issues'] => {
    try {
      createPolicy(spec, 'policy');
    } catch (error) {
      if (error instanceof InputError) return error.issues;
      throw error;
    }
    return [];
  };

  it('takes names, shorthands and options', () => {
    expect(createPolicy('pabfd', 'policy').name).toBe('pabfd');
    expect(createPolicy('iqr-mc', 'policy').name).toBe('iqr-mc');
    expect(createPolicy({ name: 'thr-mmt', selection: 'mu' }, 'policy').name).toBe('thr-mu');
    expect(createPolicy('none', 'policy').name).toBe('all-on');
    expect(createPolicy('ondemand', 'policy').name).toBe('ondemand');
  });

  it('says what is wrong, all of it', () => {
    expect(
      issuesOf({ name: 'pabfd', maxUtilisation: 0.7, frequency: 'fast', lookback: 0 }),
    ).toEqual([
      { path: 'policy.lookback', expected: 'a number >= 1', got: '0' },
      {
        path: 'policy.frequency',
        expected: 'one of performance, powersave, ondemand, conservative, none',
        got: 'fast',
      },
      {
        path: 'policy.maxUtilisation',
        expected: 'one of the options maxUtilization, lookback, frequency',
        got: 'maxUtilisation',
      },
    ]);
    expect(issuesOf({ name: 'pabfd', maxUtilization: '0.7' })).toEqual([
      { path: 'policy.maxUtilization', expected: 'a number', got: '0.7' },
    ]);
    expect(issuesOf('pabdf')[0]).toMatchObject({ path: 'policy.name', got: 'pabdf' });
    expect(issuesOf({ maxUtilization: 1 })[0]).toMatchObject({
      path: 'policy.name',
      got: 'nothing',
    });
    for (const spec of [undefined, null, 3, ['pabfd']]) {
      expect(issuesOf(spec)[0]).toMatchObject({ path: 'policy' });
    }
  });

  it('refuses two kinds of one name', () => {
    expect(() => indexKinds([...policyKinds, policyKinds[1]!])).toThrow('two policies are called');
  });
});

it('saves energy on a quiet cluster and loses little', () => {
  const vms = Array.from({ length: 8 }, (_, vm) => ({ demandMips: 300, host: vm }));
  const options = { hosts: 8, vms, steps: 24 };
  const energyOf = (spec: unknown): number =>
    runPolicy(startTwin(options), createPolicy(spec, 'policy'), {
      untilMs: 120 * minute,
      decisionEveryMs: 5 * minute,
      objective: defaultObjective,
    }).summary.energyKwh;
  // Eight idle hosts for two hours draw 1.6 kWh; one host with all VMs (2400 MIPS, 160 W) and seven
  // asleep (35 W) draw 0.39 kWh.
  expect(energyOf('all-on')).toBeGreaterThan(1.6);
  expect(energyOf('pabfd')).toBeLessThan(0.5);
});
