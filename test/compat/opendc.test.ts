import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { replayPlainly, sharePlainly } from '../../scripts/docs/referees/plain-opendc.ts';
import { referee } from '../../scripts/referee-opendc.ts';
import {
  type OpenDcOptions,
  type OpenDcResult,
  type OpenDcWorkload,
  parsePowerModel,
  powerFunction,
  replayBattery,
  runOpenDc,
} from '../../sim/compat/opendc/index.ts';
import { InputError } from '../../sim/errors.ts';
import {
  type OpenDcConsumption,
  type OpenDcTasks,
  readCarbon,
  readConsumption,
  readOpenDcTasks,
} from '../../traces/index.ts';
import { describeWithReference, referencePath } from '../reference-data.ts';

const minute = 60_000;

interface TaskSpec {
  /** Pairs of length in ms and demand in MHz. */
  readonly fragments: readonly (readonly [ms: number, mhz: number])[];
  readonly atMs?: number;
  readonly cores?: number;
  readonly memoryMb?: number;
  readonly parents?: readonly number[];
}

function workload(tasks: readonly TaskSpec[]): OpenDcWorkload {
  let fragments = 0;
  return {
    ids: tasks.map((_, index) => `task ${index}`),
    submissionMs: Float64Array.from(tasks, ({ atMs = 0 }) => atMs),
    cpuCount: Int32Array.from(tasks, ({ cores = 1 }) => cores),
    memoryMb: Float64Array.from(tasks, ({ memoryMb = 0 }) => memoryMb),
    fragmentStart: Int32Array.from([
      0,
      ...tasks.map((task) => (fragments += task.fragments.length)),
    ]),
    fragmentMs: Float64Array.from(tasks.flatMap((task) => task.fragments.map(([ms]) => ms))),
    fragmentMhz: Float64Array.from(tasks.flatMap((task) => task.fragments.map(([, mhz]) => mhz))),
    parents: tasks.map(({ parents = [] }) => parents),
  };
}

/** The host of OpenDC's own tests: one core of 2000 MHz, 100 W idle and 200 W at full load. */
const small = {
  ...{ count: 1, cores: 1, coreMhz: 2000, memoryMb: 100_000 },
  power: parsePowerModel('linear:100:200', 'power'),
};

function run(tasks: readonly TaskSpec[], options: Partial<OpenDcOptions> = {}): OpenDcResult {
  return runOpenDc({ tasks: workload(tasks), hosts: [small], ...options });
}

const tenMinutes: TaskSpec = { fragments: [[10 * minute, 1000]] };

describe("facts of OpenDC's test suite: energy", () => {
  it('10 min at half load are 90,000 J, 9,000 J a minute', () => {
    const result = run([tenMinutes], { profileMs: minute });
    expect(result.energyJ).toBe(90_000);
    expect(result.endS).toBe(600);
    expect([...result.profileW!]).toEqual(new Array(10).fill(150));
    expect(result).toMatchObject({ completed: 1, terminated: 0, skipped: 0, meanUtilization: 0.5 });
  });

  it('two tasks of which one waits for the core', () => {
    const second: TaskSpec = { fragments: [[5 * minute, 2000]] };
    const result = run([tenMinutes, second], { profileMs: minute });
    expect(result.energyJ).toBe(10 * 60 * 150 + 5 * 60 * 200);
    expect(result.endS).toBe(15 * 60);
    expect([...result.startMs]).toEqual([0, 10 * minute]);
  });

  it('two tasks one after the other, and a gap that costs idle power', () => {
    const then = (atMs: number): TaskSpec => ({ ...{ fragments: [[5 * minute, 1000]] }, atMs });
    const together = run([tenMinutes, { fragments: [[5 * minute, 2000]], atMs: 10 * minute }]);
    expect(together.energyJ).toBe(150_000);
    const base = run([tenMinutes, then(10 * minute)]).energyJ;
    expect(run([tenMinutes, then(20 * minute)]).energyJ - base).toBe(60_000);
  });

  it('time begins with the first submission, wherever that lies', () => {
    const later = [{ ...tenMinutes, atMs: 1_665_093_600_123 }];
    expect(run(later)).toEqual(run([tenMinutes]));
  });
});

describe("facts of OpenDC's test suite: failures and checkpoints", () => {
  const single = { intervalMs: 5 * minute, durationMs: 5 * minute, intensity: 1 };
  const once = { trace: [single], repeat: false };
  const checkpoints = { intervalMs: minute, durationMs: 1000 };

  it('a failure after 5 min for 5 min, without checkpoints', () => {
    const result = run([tenMinutes], { failures: once });
    expect(result.endS).toBe(20 * 60);
    expect(result.energyJ).toBe(15 * 60 * 150 + 5 * 60 * 100);
  });

  it('a failure that comes too late', () => {
    const failures = { trace: [{ ...single, intervalMs: 500 * minute }], repeat: false };
    const result = run([tenMinutes], { failures });
    expect([result.endS, result.energyJ]).toEqual([600, 90_000]);
  });

  it('two failures, the second counted from the end of the first', () => {
    const second = { intervalMs: 7 * minute, durationMs: 10 * minute, intensity: 1 };
    const result = run([tenMinutes], { failures: { trace: [single, second], repeat: false } });
    expect(result.endS).toBe(37 * 60);
    expect(result.energyJ).toBe(22 * 60 * 150 + 15 * 60 * 100);
  });

  it('a task that fails ten times is given up', () => {
    const result = run([tenMinutes], { failures: { trace: [single] } });
    expect(result.endS).toBe(95 * 60);
    expect(result.energyJ).toBe(10 * 300 * 150 + 9 * 300 * 100);
    expect(result).toMatchObject({ completed: 0, terminated: 1 });
  });

  it('checkpoints every 60 s that take 1 s', () => {
    const result = run([tenMinutes], { failures: once, checkpoints });
    // 56 s: work since the last of four checkpoints, done again.
    expect(result.endS).toBe(600 + 300 + 9 + 56);
    expect(result.energyJ).toBe(600 * 150 + 300 * 100 + 9 * 150 + 56 * 150);
  });

  it('checkpoints at the highest demand of the task, whatever is left of it', () => {
    const falling: TaskSpec = {
      fragments: [
        [10 * minute, 2000],
        [10 * minute, 1000],
      ],
    };
    const rising: TaskSpec = {
      fragments: [
        [10 * minute, 1000],
        [10 * minute, 2000],
      ],
    };
    const base = 600 * 200 + 600 * 150 + 300 * 100 + 19 * 200;
    for (const [task, redoneW] of [
      [falling, 200],
      [rising, 150],
    ] as const) {
      const result = run([task], { failures: once, checkpoints });
      expect(result.endS).toBe(20 * 60 + 300 + 19 + 56);
      expect(result.energyJ).toBe(base + 56 * redoneW);
    }
  });

  it('checkpoints that become rarer', () => {
    const result = run([tenMinutes], {
      ...{ failures: once, checkpoints: { ...checkpoints, intervalScaling: 1.5 } },
    });
    expect(result.endS).toBe(600 + 300 + 4 + 14);
    expect(result.energyJ).toBe(600 * 150 + 300 * 100 + 4 * 150 + 14 * 150);
  });

  it('checkpoints with failures that go on', () => {
    const result = run([tenMinutes], { failures: { trace: [single] }, checkpoints });
    expect(result.endS).toBe(22 * 60 + 1);
    expect(result.energyJ).toBe(300 * 150 * 2 + 300 * 100 * 2 + 121 * 150);
  });

  it('a start point skips the first rows, and repeating begins with all of them', () => {
    const never = { intervalMs: 500 * minute, durationMs: minute, intensity: 1 };
    const skipped = run([tenMinutes], { failures: { trace: [never, single], startPoint: 0.5 } });
    // The one failure of row 1; row 0 then comes too late.
    expect(skipped.endS).toBe(20 * 60);
  });

  it('only a share of the hosts fails', () => {
    const failures = { trace: [{ ...single, intensity: 0.25 }], repeat: false };
    const tasks = new Array<TaskSpec>(8).fill(tenMinutes);
    const result = run(tasks, { hosts: [{ ...small, count: 8 }], failures });
    const ends = [...result.finishMs].sort((a, b) => a - b);
    // Two of eight start again when their hosts are back; the others' hosts are busy until then.
    expect(ends).toEqual([...new Array(6).fill(600_000), 1_200_000, 1_200_000]);
  });
});

describe("facts of OpenDC's test suite: scaling policies", () => {
  const twoCores = { ...small, cores: 2 };
  it.each([
    [
      'a task that fits',
      [
        [10, 2000],
        [10, 1000],
      ],
      20,
      20,
    ],
    ['a demand of twice the host', [[10, 4000]], 10, 20],
    [
      'one fragment of three that does not fit',
      [
        [10, 1000],
        [10, 4000],
        [10, 1500],
      ],
      30,
      40,
    ],
  ] as const)('%s', (_, fragments, noDelayMin, perfectMin) => {
    const task = { fragments: fragments.map(([min, mhz]) => [min * minute, mhz] as const) };
    expect(run([task]).endS).toBe(noDelayMin * 60);
    expect(run([task], { scaling: 'perfect' }).endS).toBe(perfectMin * 60);
  });

  it('two tasks that fit together, and two that do not', () => {
    const of = (mhz: number): TaskSpec => ({ fragments: [[10 * minute, mhz]] });
    for (const scaling of ['no-delay', 'perfect'] as const) {
      expect(run([of(1000), of(3000)], { hosts: [twoCores], scaling }).endS).toBe(600);
    }
    expect(run([of(2000), of(4000)], { hosts: [twoCores] }).endS).toBe(600);
    // The second gets half of what it asks for as long as the first runs.
    const perfect = run([of(2000), of(4000)], { hosts: [twoCores], scaling: 'perfect' });
    expect([...perfect.finishMs]).toEqual([600_000, 900_000]);
    expect(perfect.energyJ).toBe(900 * 200);
  });
});

describe("facts of OpenDC's test suite: carbon", () => {
  const start = Date.UTC(2022, 0, 1);

  it('changes with the steps of the trace, found by wall-clock time', () => {
    const gramsPerKwh = Float64Array.of(999, 164.5177, 162.9489, 164.301, 167.5809, 999);
    const timestampMs = gramsPerKwh.map((_, step) => start + (step - 1) * 15 * minute);
    const task = { fragments: [[60 * minute, 1000] as const], atMs: start };
    const result = run([task], { carbon: { timestampMs, gramsPerKwh } });
    // The published per-minute emissions of two of the quarters are 9000 J at those intensities.
    expect((9000 / 3.6e6) * 164.5177).toBeCloseTo(0.411294, 6);
    expect((9000 / 3.6e6) * 162.9489).toBeCloseTo(0.407372, 6);
    const grams = ((164.5177 + 162.9489 + 164.301 + 167.5809) * (15 * 9000)) / 3.6e6;
    expect(result.carbonG).toBeCloseTo(grams, 10);
    expect(result.energyJ).toBe(60 * 60 * 150);
  });

  it('10 min at 80 and 20 min at 120 g/kWh of 150 W are 8 g', () => {
    const carbon = {
      timestampMs: Float64Array.of(start, start + 10 * minute),
      gramsPerKwh: Float64Array.of(80, 120),
    };
    const task = { fragments: [[30 * minute, 1000] as const], atMs: start };
    expect(run([task], { carbon }).carbonG).toBeCloseTo(8, 12);
    // Before its first sample the first value holds, after the last one the last.
    expect(run([{ ...task, atMs: start - 60 * minute }], { carbon }).carbonG).toBeCloseTo(6, 12);
    expect(run([{ ...task, atMs: start + 60 * minute }], { carbon }).carbonG).toBeCloseTo(9, 12);
  });
});

describe("facts of OpenDC's test suite: batteries", () => {
  /** A task of so many minutes at 150 W, 80 g/kWh for its first `lowMin` minutes, 120 after. */
  const grid = (minutes: number, lowMin: number, capacityJ: number, binMs = minute) => {
    const task: TaskSpec = { fragments: [[minutes * minute, 1000]] };
    const { profileW, endS } = run([task], { profileMs: binMs });
    const profile = { powerW: profileW!, binMs, endMs: endS * 1000, startMs: 5 };
    const carbon = {
      timestampMs: Float64Array.of(5, 5 + lowMin * minute),
      gramsPerKwh: Float64Array.of(80, 120),
    };
    const battery = { capacityJ, chargingW: 1000, thresholdGramsPerKwh: 100 };
    return replayBattery(profile, carbon, battery);
  };

  it('dirty power all the time: the empty battery does nothing', () => {
    const { gridW, gridJ } = grid(10, 0, 360_000);
    expect(gridW[0]).toBe(150);
    expect(gridJ).toBe(10 * 60 * 150);
  });

  it('clean power: it charges at once, until it is full', () => {
    const { gridW, gridJ, chargedJ } = grid(10, 10, 360_000);
    expect(gridW[0]).toBe(1150);
    expect(gridW[5]).toBe(1150);
    expect(gridW[6]).toBe(150);
    expect(gridJ).toBe(10 * 60 * 150 + 360_000);
    expect(chargedJ).toBe(360_000);
  });

  it('clean, then dirty: what was charged feeds the host', () => {
    const { gridW, gridJ, chargedJ, dischargedJ } = grid(20, 9, 72_000);
    expect([gridW[0], gridW[5], gridW[9]]).toEqual([1150, 150, 0]);
    expect(gridJ).toBeCloseTo(72_000 + 12 * 60 * 150, 6);
    expect([chargedJ, dischargedJ]).toEqual([72_000, 72_000]);
  });

  it('moves energy to clean hours: 8.0 g without it, 7.2 g with it', () => {
    expect(grid(30, 10, 0).carbonG).toBeCloseTo(8, 10);
    for (const binMs of [minute, 17_000, 30 * minute]) {
      const { carbonG, gridJ, gridW } = grid(30, 10, 72_000, binMs);
      expect(carbonG).toBeCloseTo(7.2, 10);
      expect(gridJ).toBeCloseTo(30 * 60 * 150, 6);
      if (binMs === minute) expect(gridW[0]! * 60).toBe(69_000);
      if (binMs === minute) expect([gridW[2], gridW[10], gridW[18]]).toEqual([150, 0, 150]);
    }
  });

  it('refuses one that cannot be', () => {
    expect(() => grid(10, 10, -1)).toThrow(InputError);
  });
});

describe('the scheduler', () => {
  it('looks at the queue only in slots of its quantum', () => {
    const tasks = [
      { fragments: [[1500, 1000] as const] },
      { fragments: [[1000, 1000] as const], atMs: 100 },
    ];
    // The core is free at 1.5 s, the next slot is at 2 s.
    expect([...run(tasks).startMs]).toEqual([0, 2000]);
    expect([...run(tasks, { quantumMs: 1 }).startMs]).toEqual([0, 1500]);
  });

  it('lets nobody overtake', () => {
    const of = (cores: number): TaskSpec => ({ fragments: [[1000, 100]], cores });
    const result = run([of(3), of(2), of(1)], { hosts: [{ ...small, cores: 4 }] });
    expect([...result.startMs]).toEqual([0, 1000, 1000]);
  });

  it('gives up what is larger than every host and leaves out what has no fragments', () => {
    const result = run([tenMinutes, { ...tenMinutes, cores: 2 }, { fragments: [] }]);
    expect(result).toMatchObject({ completed: 1, terminated: 1, skipped: 1, energyJ: 90_000 });
    expect([...result.finishMs]).toEqual([600_000, 0, Number.NaN]);
  });

  it('takes the host with most free memory, the first on a tie, within the ratios', () => {
    const hosts = [
      { ...small, cores: 4, memoryMb: 10 },
      { ...small, cores: 4, memoryMb: 20 },
    ];
    const of = (memoryMb: number): TaskSpec => ({ fragments: [[1000, 500]], memoryMb });
    // Free memory 10 and 20: to the second, then 10 and 10: to the first.
    const result = run([of(10), of(10)], { hosts });
    expect([...result.hostEnergyJ]).toEqual([106.25, 106.25]);
    const four = [of(10), of(10), of(10), of(10)];
    expect([...run(four, { hosts }).startMs]).toEqual([0, 0, 0, 1000]);
    const ratios = { cpu: 1, memory: 2 };
    expect([...run(four, { hosts, ratios }).startMs]).toEqual([0, 0, 0, 0]);
    const oneCore = [{ ...small, memoryMb: 100 }];
    const cpu = { hosts: oneCore, ratios: { cpu: 3, memory: 1 } };
    expect([...run(four, cpu).startMs]).toEqual([0, 0, 0, 1000]);
  });

  it('starts children when their parents have ended, and not when they were given up', () => {
    const child = { ...tenMinutes, parents: [0] };
    expect(run([tenMinutes, child], { hosts: [{ ...small, count: 2 }] }).endS).toBe(1200);
    const late = { ...child, atMs: 20 * minute };
    expect([...run([tenMinutes, late]).startMs]).toEqual([0, 20 * minute]);
    const orphan = run([{ ...tenMinutes, cores: 9 }, child, { ...tenMinutes, parents: [1] }]);
    expect(orphan).toMatchObject({ completed: 0, terminated: 3, endS: 0 });
  });
});

describe('power models', () => {
  it.each([
    ['constant:32:180', [180, 180, 180]],
    ['linear:32:180', [32, 69, 180]],
    ['sqrt:32:180', [32, 106, 180]],
    ['square:32:180', [32, 41.25, 180]],
    ['cubic:32:180', [32, 34.3125, 180]],
    ['mse:25:174:4', [25, 25 + 149 * (0.5 - 0.25 ** 4), 174]],
    [
      'asymptotic:100:200:0.25',
      [100, 100 + 50 * (1.25 - Math.exp(-1)), 100 + 50 * (2 - Math.exp(-4))],
    ],
    [
      'asymptotic-dvfs:100:200:0.5',
      [100, 100 + 50 * (1 + 1 / 64 - Math.exp(-1 / 32)), 100 + 50 * (2 - Math.exp(-2))],
    ],
    ['interpolation:50:90:100', [50, 70, 100]],
    ['zero-idle:linear:32:180', [0, 69, 180]],
  ] as const)('%s', (text, expected) => {
    const power = powerFunction(parsePowerModel(text, 'power'));
    [0, 0.25, 1].forEach((u, index) => {
      expect(power(u)).toBeCloseTo(expected[index]!, 10);
    });
  });

  it.each([
    '',
    'linear',
    'linear:32',
    'linear:180:32',
    'linear:1:2:3',
    'mse:1:2',
    'mse:1:2:0',
    'cube:1:2',
    'linear:a:2',
    'linear:-1:2',
    'interpolation:5',
    'linear:1e9:2',
  ])('%j is refused', (text) => {
    expect(() => parsePowerModel(text, '--power')).toThrow(InputError);
  });
});

describe('impossible options are refused', () => {
  it.each<[string, Partial<OpenDcOptions>]>([
    ['no hosts', { hosts: [{ ...small, count: 0 }] }],
    ['no cores', { hosts: [{ ...small, cores: 0 }] }],
    [
      'an intensity above 1',
      { failures: { trace: [{ intervalMs: 1, durationMs: 1, intensity: 2 }] } },
    ],
    [
      'failures that take no time',
      { failures: { trace: [{ intervalMs: 0, durationMs: 0, intensity: 1 }] } },
    ],
    ['a start point of 1', { failures: { trace: [], startPoint: 1 } }],
    ['checkpoints all the time', { checkpoints: { intervalMs: 0, durationMs: 1 } }],
    [
      'checkpoints with scaling perfect',
      { scaling: 'perfect', checkpoints: { intervalMs: 1000, durationMs: 1 } },
    ],
    [
      'no carbon',
      { carbon: { timestampMs: new Float64Array(0), gramsPerKwh: new Float64Array(0) } },
    ],
  ])('%s', (_, options) => {
    expect(() => run([tenMinutes], options)).toThrow(InputError);
  });

  it('a task that fits in parts, but no host', () => {
    const hosts = [
      { ...small, cores: 4, memoryMb: 1 },
      { ...small, memoryMb: 100 },
    ];
    expect(() => run([{ ...tenMinutes, cores: 4, memoryMb: 100 }], { hosts })).toThrow(/task 0/);
  });

  it('parents in a circle', () => {
    const tasks = [
      { ...tenMinutes, parents: [1] },
      { ...tenMinutes, parents: [0] },
    ];
    expect(() => run(tasks)).toThrow(InputError);
  });
});

/** Fragments of whole ms and MHz, some of nothing. */
const fragmentsOf = (msMax: number): fc.Arbitrary<[number, number][]> =>
  fc.array(fc.tuple(fc.nat({ max: msMax }), fc.nat({ max: 3000 })), { minLength: 1, maxLength: 6 });

describe('random workloads', () => {
  const task = fc.record({
    fragments: fragmentsOf(5000),
    atMs: fc.nat({ max: 20_000 }),
    cores: fc.integer({ min: 1, max: 3 }),
    memoryMb: fc.nat({ max: 60 }),
  });
  const scenario = fc.record({
    tasks: fc.array(task, { minLength: 1, maxLength: 25 }),
    hosts: fc.integer({ min: 1, max: 4 }),
    quantumMs: fc.constantFrom(1, 250, 1000),
    form: fc.constantFrom('linear:50:100', 'sqrt:50:100', 'zero-idle:cubic:50:100'),
    steps: fc.uniqueArray(fc.tuple(fc.nat({ max: 30_000 }), fc.nat({ max: 500 })), {
      ...{ minLength: 1, maxLength: 6, selector: ([ms]) => ms },
    }),
  });

  it('give the energy, carbon and end of a plain replay', () => {
    let waited = 0;
    let shared = 0;
    fc.assert(
      fc.property(scenario, ({ tasks, hosts, quantumMs, form, steps }) => {
        const sorted = workload([...tasks].sort((a, b) => a.atMs - b.atMs));
        const group = { count: hosts, cores: 4, coreMhz: 700, memoryMb: 100 };
        const power = parsePowerModel(form, 'power');
        const rising = [...steps].sort((a, b) => a[0] - b[0]);
        const carbon = {
          timestampMs: Float64Array.from(rising, ([ms]) => ms),
          gramsPerKwh: Float64Array.from(rising, ([, grams]) => grams),
        };
        const result = runOpenDc({
          ...{ tasks: sorted, hosts: [{ ...group, power }], quantumMs, carbon },
        });
        const plainHosts = new Array(hosts).fill({ cores: 4, mhz: 2800, memoryMb: 100 });
        const plain = replayPlainly(sorted, plainHosts, powerFunction(power), quantumMs, rising);
        expect(result.endS).toBe(plain.endMs / 1000);
        expect(result.completed).toBe(plain.completed);
        expect(result.energyJ).toBeCloseTo(plain.energyJ, 6);
        expect(result.carbonG).toBeCloseTo(plain.carbonG, 9);
        if (plain.waitMaxMs > 1000) waited++;
        if (plain.togetherMax > 1) shared++;
      }),
      { seed: 20221010, numRuns: 300 },
    );
    expect(waited).toBeGreaterThan(100);
    expect(shared).toBeGreaterThan(100);
  });

  it('do as much work under `perfect` as a count of every ms', () => {
    const busy = fc.array(
      fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 20 })),
      {
        ...{ minLength: 1, maxLength: 5 },
      },
    );
    fc.assert(
      fc.property(fc.array(busy, { minLength: 1, maxLength: 4 }), (demands) => {
        // Multiples of 60 share 1200 MHz by up to four in whole numbers.
        const tasks = workload(
          demands.map((demand) => ({ fragments: demand.map(([ms, n]) => [ms, 60 * n] as const) })),
        );
        const host = { ...small, cores: 4, coreMhz: 300 };
        const result = runOpenDc({ tasks, hosts: [host], scaling: 'perfect' });
        const plain = sharePlainly(tasks, 1200);
        expect(result.endS).toBe(plain.endMs / 1000);
        expect(result.workMhzS).toBeCloseTo(plain.workMhzMs / 1000, 9);
      }),
      { seed: 20221011, numRuns: 300 },
    );
  });

  it('end at the same time under both policies where demands fit', () => {
    fc.assert(
      fc.property(fc.array(fragmentsOf(1000), { minLength: 1, maxLength: 10 }), (demands) => {
        const tasks = demands.map((fragments) => ({
          ...{ fragments: fragments.map(([ms, mhz]) => [ms + 1, 1 + (mhz % 2000)] as const) },
        }));
        const hosts = [{ ...small, count: 3 }];
        const perfect = run(tasks, { hosts, scaling: 'perfect' });
        const fixed = run(tasks, { hosts });
        expect([...perfect.finishMs]).toEqual([...fixed.finishMs]);
        expect(perfect.energyJ).toBeCloseTo(fixed.energyJ, 9);
      }),
      { seed: 20221012, numRuns: 100 },
    );
  });
});

describeWithReference('four days of SURF', () => {
  const surf = referencePath('data', 'surf-2022-10');
  let tasks: OpenDcTasks;
  let consumption: OpenDcConsumption;
  beforeAll(async () => {
    tasks = await readOpenDcTasks(surf);
    consumption = await readConsumption(join(surf, 'consumption.parquet'));
  });

  const node = { cores: 16, coreMhz: 2100, memoryMb: 100_000 };

  it.each([
    [279, 'linear:32:180', 100_000, false],
    [100, 'sqrt:32:180', 100_000, true],
    [60, 'mse:25:174:4', 100_000, true],
    // Memory binds: cores alone would let two tasks share a host of 32.
    [40, 'cubic:32:180', 199_999, true],
    [40, 'linear:32:180', 200_000, true],
  ])('on %i hosts, %s, %i MB are a plain replay', async (count, text, memoryMb, queues) => {
    const cores = memoryMb > 100_000 ? 32 : 16;
    const power = parsePowerModel(text, 'power');
    const carbon = await readCarbon(join(surf, 'carbon.parquet'));
    const hosts = [{ ...node, count, cores, memoryMb, power }];
    const result = runOpenDc({ tasks, hosts, carbon });
    const plainHosts = new Array(count).fill({ cores, mhz: cores * 2100, memoryMb });
    const plain = replayPlainly(tasks, plainHosts, powerFunction(power));
    expect(result.completed).toBe(2037);
    expect(result.skipped).toBe(870);
    expect(result.endS).toBe(plain.endMs / 1000);
    expect(Math.abs(result.energyJ / plain.energyJ - 1)).toBeLessThan(1e-12);
    expect(plain.waitMaxMs > 60_000).toBe(queues);
    expect(plain.togetherMax).toBe(memoryMb === 200_000 ? 2 : 1);
  });

  it('linear power of all hosts is what the work says, whoever does it', () => {
    const hosts = [{ ...node, count: 279, power: parsePowerModel('linear:32:180', 'power') }];
    const result = runOpenDc({ tasks, hosts });
    const work = tasks.fragmentMhz.reduce((sum, mhz) => sum + mhz * 30, 0);
    expect(result.workMhzS).toBeCloseTo(work, 3);
    const energyJ = 279 * 32 * result.endS + (148 * work) / 33_600;
    expect(Math.abs(result.energyJ / energyJ - 1)).toBeLessThan(1e-12);
  });

  it('stay within the error against the measured power that docs/traces.md states', () => {
    const errors = ['linear:32:180', 'mse:25:174:4', 'sqrt:32:180'].map((text) => {
      const hosts = [{ ...node, count: 277, power: parsePowerModel(text, 'power') }];
      const { profileW } = runOpenDc({ tasks, hosts, profileMs: 30_000 });
      let error = 0;
      let bias = 0;
      consumption.powerW.forEach((measured, sample) => {
        error += Math.abs(profileW![sample]! - measured) / measured;
        bias += profileW![sample]! - measured;
      });
      const mean = consumption.powerW.reduce((sum, measured) => sum + measured, 0);
      return [(100 * error) / consumption.powerW.length, (100 * bias) / mean];
    });
    const stated = [
      [6.71, -6.82],
      [4.08, -3.69],
      [1.82, -1.08],
    ];
    stated.flat().forEach((value, index) => {
      expect(Math.abs(errors.flat()[index]! - value)).toBeLessThan(0.01);
    });
  });
});

describe('referee-opendc', () => {
  const directory = mkdtempSync(join(tmpdir(), 'wattwin-opendc-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it.each([
    ['no such directory', ['--hosts', '1', '--power', 'linear:1:2'], /tasks\.parquet/],
    ['no hosts', ['--hosts', '0', '--power', 'linear:1:2'], /^--hosts: expected/],
    ['half a host', ['--hosts', '1.5', '--power', 'linear:1:2'], /^--hosts: expected/],
    ['a strange power model', ['--hosts', '1', '--power', 'warm:1:2'], /^--power: expected/],
    ['no speed', ['--hosts', '1', '--power', 'linear:1:2', '--speed', '0'], /^--speed: expected/],
    ['a strange policy', ['--hosts', '1', '--power', 'linear:1:2', '--scaling', 'x'], /^--scaling/],
  ])('names %s on one line', (_, args, message) => {
    const act = (): string => referee(['--trace', directory, ...args]);
    expect(act).toThrow(InputError);
    expect(act).toThrow(message);
    try {
      act();
    } catch (error) {
      expect((error as Error).message).not.toContain('\n');
    }
  });

  it('names a trace that is no Parquet', () => {
    writeFileSync(join(directory, 'tasks.parquet'), 'id,submission_time\n');
    const args = ['--trace', directory, '--hosts', '1', '--power', 'linear:1:2'];
    expect(() => referee(args)).toThrow(/tasks\.parquet: expected a Parquet file/);
  });

  describeWithReference('on SURF', () => {
    const surf = referencePath('data', 'surf-2022-10');
    const args = ['--trace', surf, '--hosts', '279', '--power', 'linear:32:180'];

    it('prints one line with the totals', () => {
      const line = referee(args);
      expect(line).not.toContain('\n');
      const result = JSON.parse(line) as Record<string, number>;
      expect(Object.keys(result).slice(0, 4)).toEqual(['energyJ', 'completed', 'endS', 'carbonG']);
      expect(result['energyJ']).toBeCloseTo(10_504_037_515.65, 1);
      expect(result).toMatchObject({ completed: 2037, endS: 604_773, terminated: 0, skipped: 870 });
      expect(result['carbonG']).toBeCloseTo(484_497.699, 3);
    });

    it('refuses a carbon file that is not there', () => {
      expect(() => referee([...args, '--carbon', join(surf, 'none')])).toThrow(/ENOENT/);
    });
  });
});
