/** Hosts, VMs and migrations that fail: what happens, when, and what it costs. */
import { describe, expect, it } from 'vitest';
import {
  advance,
  ClusterState,
  checkInvariants,
  drawLifetime,
  energyNowJ,
  type FaultsSpec,
  hostPower,
  type LifetimeSpec,
  migrateVm,
  migrationOutcome,
  placeVm,
  powerOff,
  powerOn,
  settleAll,
  summarize,
  type Twin,
  taskStatus,
  vmStatus,
} from '../../sim/index.ts';
import { type ClusterOptions, clusterModel, gib, mib, startTwin } from '../builders.ts';

const hour = 3_600_000;
const never: LifetimeSpec = { type: 'constant', mean: Infinity };
const constant = (mean: number): LifetimeSpec => ({ type: 'constant', mean });

/** One host with one VM that asks for 1000 MIPS, 100 W idle and 125 W with it. */
function oneHost(faults: FaultsSpec, more: Partial<ClusterOptions> = {}): Twin {
  const vms = [{ demandMips: 1000, host: 0 }];
  return startTwin({ hosts: 1, vms, steps: 100, faults, ...more });
}

describe('lifetimes', () => {
  const draws = 20_000;
  const sampleOf = (spec: LifetimeSpec): number[] =>
    Array.from({ length: draws }, (_, number) => drawLifetime(spec, 12_345, number));
  const mean = 5;
  /** Largest distance between the sample and a distribution function (Kolmogorov, Smirnov). */
  const distance = (sample: number[], cdf: (x: number) => number): number =>
    sample
      .toSorted((a, b) => a - b)
      .reduce((most, x, index) => {
        const p = cdf(x);
        return Math.max(most, Math.abs(p - index / draws), Math.abs(p - (index + 1) / draws));
      }, 0);

  // Mean and variance; the tolerance is four standard errors, that of a variance from the fourth moment.
  it.each<[LifetimeSpec, number]>([
    [{ type: 'constant', mean }, 0],
    [{ type: 'exponential', mean }, 25],
    // Variance / mean² = Γ(1 + 2/k) / Γ(1 + 1/k)² − 1, with Γ(3) = 2, Γ(2) = 1, Γ(5) = 24, Γ(2) = 1.
    [{ type: 'weibull', mean, shape: 1 }, 25],
    [{ type: 'weibull', mean, shape: 0.5 }, 25 * (24 / 4 - 1)],
    [{ type: 'gamma', mean, shape: 4 }, 25 / 4],
    [{ type: 'gamma', mean, shape: 0.5 }, 25 / 0.5],
    [{ type: 'lognormal', mean, scv: 0.5 }, 12.5],
  ])('%j have the mean and variance of their distribution', (spec, variance) => {
    const sample = sampleOf(spec);
    const average = sample.reduce((sum, x) => sum + x, 0) / draws;
    const squares = sample.map((x) => (x - mean) * (x - mean));
    const spread = squares.reduce((sum, x) => sum + x, 0) / draws;
    const fourth = squares.reduce((sum, x) => sum + x * x, 0) / draws;
    expect(Math.abs(average - mean)).toBeLessThanOrEqual(4 * Math.sqrt(variance / draws));
    const error = 4 * Math.sqrt(Math.max(0, fourth - spread * spread) / draws);
    expect(Math.abs(spread - variance)).toBeLessThanOrEqual(error);
  });

  it.each<[LifetimeSpec, (x: number) => number]>([
    [{ type: 'exponential', mean }, (x) => 1 - Math.exp(-x / mean)],
    // λ = mean / Γ(1 + 1/0.5) = mean / 2
    [{ type: 'weibull', mean, shape: 0.5 }, (x) => 1 - Math.exp(-Math.sqrt(x / (mean / 2)))],
    // Erlang with two stages of mean/2 each.
    [
      { type: 'gamma', mean, shape: 2 },
      (x) => 1 - Math.exp(-x / (mean / 2)) * (1 + x / (mean / 2)),
    ],
  ])('%j follow their distribution function', (spec, cdf) => {
    // 1 % critical value of the Kolmogorov-Smirnov statistic.
    expect(distance(sampleOf(spec), cdf)).toBeLessThan(1.63 / Math.sqrt(draws));
  });

  it('lognormal: the logarithm has the mean and variance of its normal', () => {
    const logs = sampleOf({ type: 'lognormal', mean, scv: 3 }).map(Math.log);
    const average = logs.reduce((sum, x) => sum + x, 0) / draws;
    const spread = logs.reduce((sum, x) => sum + (x - average) ** 2, 0) / draws;
    // σ² = ln 4, µ = ln 5 − ln 2
    expect(Math.abs(average - Math.log(2.5))).toBeLessThan(4 * Math.sqrt(Math.log(4) / draws));
    expect(Math.abs(spread - Math.log(4))).toBeLessThan(4 * Math.log(4) * Math.sqrt(2 / draws));
  });

  it('are the same in whatever order they are drawn', () => {
    const spec: LifetimeSpec = { type: 'gamma', mean: 3, shape: 0.3 };
    const forward = [0, 1, 2, 3].map((number) => drawLifetime(spec, 9, number));
    const backward = [3, 2, 1, 0].map((number) => drawLifetime(spec, 9, number)).reverse();
    expect(backward).toEqual(forward);
  });
});

describe('hosts', () => {
  it('fail and come back at the times of a constant cycle, to the millisecond', () => {
    const twin = oneHost({
      hosts: [{ hosts: [0], upMs: constant(3 * hour), downMs: constant(hour) }],
    });
    // Failures at 3, 7, 11, … h; 39 h is one, 41 h is in the next stretch of work.
    advance(twin, 41 * hour, checkInvariants);
    const { faults } = summarize(twin).summary;
    expect(faults?.hostFailures).toBe(10);
    expect(faults?.hostAvailability).toBeCloseTo(1 - 10 / 41, 12);
  });

  it('are available MTBF / (MTBF + MTTR) of the time, and fail as often as renewal theory says', () => {
    const count = 60;
    const days = 200;
    const twin = startTwin({
      hosts: count,
      faults: {
        hosts: [
          {
            hosts: Array.from({ length: count }, (_, host) => host),
            upMs: { type: 'weibull', mean: 20 * hour, shape: 0.7 },
            downMs: { type: 'lognormal', mean: 4 * hour, scv: 1 },
          },
        ],
      },
    });
    const totalMs = days * 24 * hour;
    advance(twin, totalMs);
    const { hostFailedMs, hostCrashes, hostFailures, hostFailedSinceMs } = twin.state.faults;
    const shares = Array.from(hostFailedMs, (ms, host) => {
      const open = hostFailures[host]! > 0 ? totalMs - hostFailedSinceMs[host]! : 0;
      return 1 - (ms + open) / totalMs;
    });
    const within = (values: number[], expected: number): void => {
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const spread = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
      const error = Math.sqrt(spread / (values.length - 1) / values.length);
      expect(Math.abs(mean - expected), `${mean} of ${expected} ± ${error}`).toBeLessThan(
        3 * error,
      );
    };
    within(shares, 20 / 24);
    // Of a delayed renewal process with cycles of 24 h, begun at a repair: T/µ + (scv − 1)/2 + down/µ,
    // where scv is that of a cycle: (σ²up + σ²down) / 24². Weibull 0.7: σ² = 2.1391 mean².
    const scv = (2.1391 * 400 + 16) / (24 * 24);
    within([...hostCrashes], (days * 24) / 24 + (scv - 1) / 2 + 4 / 24);
  });

  it('give their VMs back, draw what they draw when off, and boot when repaired', () => {
    const fault = { hosts: [0], upMs: constant(1000_000), downMs: constant(500_000) };
    const twin = oneHost({ hosts: [fault] });
    advance(twin, 1000_000, checkInvariants);
    expect(twin.state.hostPower[0]).toBe(hostPower.failed);
    expect(twin.state.vmStatus[0]).toBe(vmStatus.pending);
    expect(twin.state.hostReservedBytes[0]).toBe(0);
    expect(powerOn(twin, 0)).toBe('the host is not off');
    expect(placeVm(twin, 0, 0)).toBe('the host is not running');
    const beforeJ = energyNowJ(twin);
    expect(beforeJ).toBe(125 * 1000);
    advance(twin, 1500_000, checkInvariants);
    expect(energyNowJ(twin) - beforeJ).toBe(5 * 500);
    expect(twin.state.hostPower[0]).toBe(hostPower.booting);
    advance(twin, 1560_000, checkInvariants);
    expect(twin.state.hostPower[0]).toBe(hostPower.on);
    expect(placeVm(twin, 0, 0)).toBeUndefined();
    advance(twin, 2000_000, checkInvariants);
    settleAll(twin);
    // 1000 MIPS are asked for all the time and not delivered from 1000 s to 1560 s.
    expect(twin.state.vmDemandedMi[0]).toBeCloseTo(2_000_000, 6);
    expect(twin.state.vmShortMi[0]).toBeCloseTo(560_000, 6);
    const { faults } = summarize(twin).summary;
    expect(faults).toMatchObject({ hostFailures: 1, vmCrashes: 1, vmHoursDown: 560 / 3600 });
  });

  it('lose their VMs for good, and stay off, where that is asked for', () => {
    const fault = { hosts: [0], upMs: constant(1000_000), downMs: constant(500_000) };
    const twin = oneHost({ hosts: [fault], crashedVms: 'lost', repaired: 'off' });
    advance(twin, 2000_000, checkInvariants);
    expect(twin.state.vmStatus[0]).toBe(vmStatus.departed);
    expect(twin.state.hostPower[0]).toBe(hostPower.off);
    settleAll(twin);
    expect(twin.state.vmDemandedMi[0]).toBe(1_000_000);
  });

  it('that were off when they failed stay off when repaired', () => {
    const fault = { hosts: [0], upMs: constant(1000_000), downMs: constant(500_000) };
    const twin = startTwin({ hosts: 1, faults: { hosts: [fault] } });
    powerOff(twin, 0);
    advance(twin, 1100_000, checkInvariants);
    expect(twin.state.hostPower[0]).toBe(hostPower.failed);
    advance(twin, 1600_000, checkInvariants);
    expect(twin.state.hostPower[0]).toBe(hostPower.off);
  });

  it('of a group fail together, and one in two groups is up when both are repaired', () => {
    const twin = startTwin({
      hosts: 3,
      faults: {
        hosts: [
          { hosts: [0, 1], together: true, upMs: constant(100_000), downMs: constant(300_000) },
          { hosts: [1, 2], together: true, upMs: constant(200_000), downMs: constant(500_000) },
        ],
        repaired: 'off',
      },
    });
    const powers = (): number[] => [...twin.state.hostPower].slice(0, 3);
    advance(twin, 150_000, checkInvariants);
    expect(powers()).toEqual([hostPower.failed, hostPower.failed, hostPower.on]);
    advance(twin, 450_000, checkInvariants);
    expect(powers()).toEqual([hostPower.off, hostPower.failed, hostPower.failed]);
    // The first group is down again from 500 s to 800 s, the second until 700 s.
    advance(twin, 750_000, checkInvariants);
    expect(powers()).toEqual([hostPower.failed, hostPower.failed, hostPower.off]);
    advance(twin, 850_000, checkInvariants);
    expect(powers()).toEqual([hostPower.off, hostPower.off, hostPower.off]);
    expect([...twin.state.faults.hostCrashes]).toEqual([2, 1, 1]);
  });

  it('follow a trace of intervals, durations and intensities', () => {
    const rows = [
      { intervalMs: 100_000, durationMs: 50_000, intensity: 0.5 },
      { intervalMs: 200_000, durationMs: 100_000, intensity: 0.01 },
    ];
    const twin = startTwin({
      hosts: 4,
      faults: { traces: [{ hosts: [0, 1, 2, 3], rows, repeat: true }] },
    });
    const failed = (): number =>
      [...twin.state.hostPower].filter((power) => power === hostPower.failed).length;
    const seen = [50, 120, 200, 360, 460, 560].map((second) => {
      advance(twin, second * 1000, checkInvariants);
      return failed();
    });
    // 100–150 s two of four, 350–450 s one, 550–600 s two again.
    expect(seen).toEqual([0, 2, 0, 1, 0, 2]);
    expect([...twin.state.faults.hostCrashes].reduce((sum, count) => sum + count)).toBe(5);
  });

  it('fail at the same times whatever is decided, in forks as well', () => {
    const exponential = (mean: number): LifetimeSpec => ({ type: 'exponential', mean });
    const options: ClusterOptions = {
      hosts: 3,
      vms: [{ host: 0 }, { host: 1 }],
      faults: {
        hosts: [{ hosts: [0, 1, 2], upMs: exponential(hour), downMs: exponential(hour / 4) }],
        migrations: { failProbability: 0.5 },
        vms: { upMs: exponential(hour) },
      },
    };
    const twin = startTwin(options);
    const busy = twin.fork();
    migrateVm(busy, 0, 2);
    for (let step = 1; step < 100; step++) {
      advance(busy, step * 600_000, checkInvariants);
      placeVm(busy, step % 2, step % 3);
      migrateVm(busy, step % 2, (step + 1) % 3);
    }
    advance(twin, 99 * 600_000);
    expect([...busy.state.faults.hostCrashes]).toEqual([...twin.state.faults.hostCrashes]);
    expect([...busy.state.faults.hostFailedMs]).toEqual([...twin.state.faults.hostFailedMs]);
    expect(busy.state.faults.hostCrashes[0]).toBeGreaterThan(3);
    const other = startTwin(options, 2);
    advance(other, 99 * 600_000);
    expect([...other.state.faults.hostFailedMs]).not.toEqual([...twin.state.faults.hostFailedMs]);
  });
});

describe('VMs', () => {
  it('crash, restart and run again, while their trace goes on', () => {
    const twin = oneHost({ vms: { upMs: constant(1000_000) }, restartMs: 200_000 });
    advance(twin, 1100_000, checkInvariants);
    expect(twin.state.vmStatus[0]).toBe(vmStatus.restarting);
    expect(placeVm(twin, 0, 0)).toBe('the VM is not waiting for a host');
    advance(twin, 1200_000, checkInvariants);
    expect(twin.state.vmStatus[0]).toBe(vmStatus.pending);
    expect(placeVm(twin, 0, 0)).toBeUndefined();
    advance(twin, 2500_000, checkInvariants);
    settleAll(twin);
    // Down from 1000 to 1200 s and from 2200 s on.
    expect(twin.state.vmShortMi[0]).toBeCloseTo(500_000, 6);
    expect(twin.state.faults.vmCrashes[0]).toBe(2);
  });

  it('lose their tasks when they crash', () => {
    const twin = startTwin({
      hosts: 1,
      vms: [{ host: 0 }],
      taskDriven: [true],
      tasks: [{ name: 'endless', on: { vm: 0 }, startMs: 0, phases: [{ type: 'endless' }] }],
      faults: { vms: { upMs: constant(10_000) } },
    });
    advance(twin, 20_000, checkInvariants);
    expect(twin.state.taskStatus[0]).toBe(taskStatus.killed);
    expect(twin.state.vmStatus[0]).toBe(vmStatus.pending);
  });

  it('fail the requests they were answering and answer again when they are back', () => {
    const twin = startTwin({
      hosts: 1,
      vms: [{ host: 0 }],
      applications: [
        {
          name: 'shop',
          arrivals: { type: 'regular', perS: 1 },
          services: [
            {
              name: 'web',
              replicas: [0],
              variants: [{ name: 'usual', demand: { type: 'constant', mean: 5000 } }],
            },
          ],
        },
      ],
      faults: { vms: { upMs: constant(10_500) } },
    });
    advance(twin, 10_500, checkInvariants);
    placeVm(twin, 0, 0);
    advance(twin, 20_000, checkInvariants);
    const [shop] = summarize(twin).summary.applications ?? [];
    expect(shop?.failed).toBeGreaterThan(0);
    expect(twin.state.requests.queueCalls[0]).toBeGreaterThan(0);
  });
});

describe('migrations', () => {
  const cluster = (faults: FaultsSpec, migration?: ClusterOptions['migration']): Twin =>
    startTwin({
      hosts: 2,
      vms: Array.from({ length: 12 }, () => ({ host: 0, memoryGib: 1 })),
      faults,
      ...(migration === undefined ? {} : { migration }),
    });

  it('break with the probability given, at a point spread evenly over the copy', () => {
    const twin = cluster({ migrations: { failProbability: 0.4 } });
    let begun = 0;
    const bytes: number[] = [];
    for (let round = 0; round < 1500; round++) {
      const vm = round % 12;
      const before = twin.state.migrationTotals[1]!;
      const failed = twin.state.migrationOutcomes[migrationOutcome.failed]!;
      const target = 1 - twin.state.vmHost[vm]!;
      if (migrateVm(twin, vm, target) === undefined) begun++;
      advance(twin, twin.nowMs + 30_000);
      if (twin.state.migrationOutcomes[migrationOutcome.failed]! > failed) {
        bytes.push((twin.state.migrationTotals[1]! - before) / gib);
      }
    }
    expect(begun).toBe(1500);
    checkInvariants(twin);
    // Four standard errors of a share of 1500, and of the mean of uniform numbers.
    expect(Math.abs(bytes.length / begun - 0.4)).toBeLessThan(4 * Math.sqrt(0.24 / begun));
    const mean = bytes.reduce((sum, part) => sum + part, 0) / bytes.length;
    expect(Math.abs(mean - 0.5)).toBeLessThan(4 * Math.sqrt(1 / 12 / bytes.length));
    expect(Math.max(...bytes)).toBeLessThanOrEqual(1);
  });

  it('are as much slower as the factor says', () => {
    const twin = cluster({ migrations: { slowProbability: 1, slowFactor: 0.25 } });
    migrateVm(twin, 0, 1);
    // 1 GiB at a quarter of 100 MiB/s.
    advance(twin, 40_900, checkInvariants);
    expect(twin.state.vmHost[0]).toBe(0);
    advance(twin, 41_000, checkInvariants);
    expect(twin.state.vmHost[0]).toBe(1);
  });

  it('that break after the switch to post-copy crash their VM', () => {
    const migration = {
      bytesPerS: 100 * mib,
      dirtyIntensity: 0,
      workingSetBytes: 0,
      postCopy: 'start',
    } as const;
    const twin = cluster({ migrations: { failProbability: 1 } }, migration);
    migrateVm(twin, 0, 1);
    advance(twin, 60_000, checkInvariants);
    expect(twin.state.vmStatus[0]).toBe(vmStatus.pending);
    expect(twin.state.migrationOutcomes[migrationOutcome.vmLost]).toBe(1);
    expect(summarize(twin).summary.faults?.vmCrashes).toBe(1);
  });

  it('from a host that fails are off, those to it leave their VM where it is', () => {
    const fault = { hosts: [1], upMs: constant(5_000), downMs: never };
    const twin = startTwin({
      hosts: 2,
      vms: [{ host: 0 }, { host: 1 }],
      faults: { hosts: [fault] },
    });
    migrateVm(twin, 0, 1);
    migrateVm(twin, 1, 0);
    advance(twin, 6_000, checkInvariants);
    expect([...twin.state.vmStatus]).toEqual([vmStatus.running, vmStatus.pending]);
    expect([...twin.state.vmMigration]).toEqual([-1, -1]);
    expect(twin.state.migrationOutcomes[migrationOutcome.failed]).toBe(2);
  });
});

it('cost nothing where there are none: no number drawn, no byte of state', () => {
  const plain = startTwin({ hosts: 2, vms: [{ host: 0 }] });
  const words = [...plain.state.rng];
  advance(plain, hour);
  expect([...plain.state.rng]).toEqual(words);
  for (const column of Object.values(plain.state.faults)) expect(column).toHaveLength(0);
  const idle = clusterModel({ hosts: 2, vms: [{ host: 0 }], faults: {} });
  expect(ClusterState.bytes(idle)).toBeGreaterThan(ClusterState.bytes(plain.model));
});

it('refuse impossible numbers', () => {
  const faults = (spec: FaultsSpec) => () => clusterModel({ hosts: 1, faults: spec });
  const up = constant(1000);
  expect(faults({ hosts: [{ hosts: [1], upMs: up, downMs: up }] })).toThrow('host 1 of 1');
  expect(faults({ hosts: [{ hosts: [0], upMs: constant(0), downMs: up }] })).toThrow(
    'mean of 0 ms',
  );
  expect(faults({ migrations: { failProbability: 1.1 } })).toThrow('probability 1.1');
  expect(faults({ traces: [{ hosts: [0], rows: [] }] })).toThrow('without a row');
  const row = { intervalMs: 0, durationMs: 0, intensity: 1 };
  expect(faults({ traces: [{ hosts: [0], rows: [row], repeat: true }] })).toThrow('takes no time');
});
