/** The thermal policy: single decisions by hand, its promises on random clusters, and a hot aisle. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Action,
  advance,
  applyPlan,
  checkInvariants,
  createPolicy,
  decideOnce,
  defaultObjective,
  type HeatSpec,
  type RunResult,
  runPolicy,
  type Twin,
} from '../../sim/index.ts';
import {
  type ClusterOptions,
  type HostOptions,
  startTwin,
  threePstates,
  type VmOptions,
  viewOf,
} from '../builders.ts';
import { tries } from './random-cluster.ts';

const minute = 60_000;

/** 100 W without load: inlet + 20 °C; 200 W at 4000 MIPS: inlet + 40 °C. */
const heat = (inletC: number, limitC?: number): HeatSpec => ({
  resistanceKPerW: 0.2,
  capacityJPerK: 500,
  inletC,
  ...(limitC === undefined ? {} : { limitC }),
});

/** What the policy plans once it has measured one row. */
function plan(options: ClusterOptions, spec: object = {}, migrations = Infinity): Action[] {
  const twin = startTwin(options);
  advance(twin, 5 * minute);
  const policy = createPolicy({ name: 'thermal-balance', ...spec }, 'policy');
  const { plan: made, refused } = decideOnce(twin, policy, { migrations });
  expect(refused).toEqual([]);
  return made.actions;
}

/** Three VMs on host 0: 3600 MIPS, 190 W, 38 K above its inlet. */
const loaded: readonly VmOptions[] = [1500, 1500, 600].map((demandMips) => ({
  demandMips,
  host: 0,
}));

describe('one decision', () => {
  it('moves the smallest VM that is enough to the host that stays coldest', () => {
    const hosts = [{ heat: heat(20, 55) }, { heat: heat(20) }, { heat: heat(15) }];
    // 58 °C, 3 K over the limit. Without 1500 MIPS: 152.5 W, 50.5 °C; without 600: 55 °C.
    expect(plan({ hosts, vms: loaded })).toEqual([{ type: 'migrate', vm: 0, host: 2 }]);
  });

  it('looks where load is heading, not at what the sensor shows', () => {
    const slow = { ...heat(20, 55), capacityJPerK: 1e6 };
    const twin = startTwin({ hosts: [{ heat: slow }, { heat: heat(20) }], vms: loaded });
    advance(twin, 5 * minute);
    expect(viewOf(twin).temperatureC(0)).toBeLessThan(21);
    expect(viewOf(twin).steadyC(0, 190)).toBeCloseTo(58, 10);
    const { plan: made } = decideOnce(twin, createPolicy('thermal-balance', 'policy'));
    expect(made.migrations).toBe(1);
  });

  it('moves the largest one where no single VM is enough, within the budget', () => {
    const vms = Array.from({ length: 6 }, (_, vm) => ({ demandMips: 500 + vm, host: 0 }));
    const hosts = [{ heat: heat(20, 50) }, { heat: heat(15) }];
    // 3015 MIPS → 55 °C; below 48 °C from 1999 MIPS down: two of the largest are not enough.
    const moves = plan({ hosts, vms });
    expect(moves.map((action) => 'vm' in action && action.vm)).toEqual([5, 4, 0]);
    expect(plan({ hosts, vms }, {}, 1)).toEqual([{ type: 'migrate', vm: 5, host: 1 }]);
    expect(plan({ hosts, vms }, {}, 0)).toEqual([]);
  });

  it('moves nothing to hosts that would become as hot, or hot themselves', () => {
    const source = { heat: heat(20, 55) };
    // Idle at 56 °C: with anything more, warmer than 57 °C.
    expect(plan({ hosts: [source, { heat: heat(36) }], vms: loaded })).toEqual([]);
    // 30 + 20 + 3 K with the smallest VM: 53 °C is within 2 K of a limit at 55 °C.
    expect(plan({ hosts: [source, { heat: heat(30, 55) }], vms: loaded })).toEqual([]);
    expect(plan({ hosts: [source, { heat: heat(29, 55) }], vms: loaded })).toEqual([
      { type: 'migrate', vm: 2, host: 1 },
    ]);
    // 800 MIPS are too little for any of them, but an empty host takes one.
    expect(
      plan({ hosts: [source, { heat: heat(20) }], vms: loaded }, { maxUtilization: 0.2 }),
    ).toEqual([{ type: 'migrate', vm: 0, host: 1 }]);
    expect(plan({ hosts: [source, { heat: heat(20), memoryGib: 1 }], vms: loaded })).toEqual([]);
  });

  it('evens out what is far above the mean, without any limit', () => {
    const hosts = [{ heat: heat(20) }, { heat: heat(20) }, { heat: heat(20) }];
    // 58, 40 and 40 °C: the mean is 46 °C.
    expect(plan({ hosts, vms: loaded }, { threshold: 13 })).toEqual([]);
    expect(plan({ hosts, vms: loaded }, { threshold: 11 })).toEqual([
      { type: 'migrate', vm: 2, host: 1 },
    ]);
  });

  it('helps the host that will throttle before one that is only hotter', () => {
    // 68 °C without a limit, 53 °C over a limit of 50 °C, 40 °C: the mean is 53.7 °C.
    const hosts = [{ heat: heat(30) }, { heat: heat(15, 50) }, { heat: heat(20) }];
    const vms = [...loaded, ...loaded.map((vm) => ({ ...vm, host: 1 }))];
    expect(plan({ hosts, vms }, {}, 1)).toEqual([{ type: 'migrate', vm: 3, host: 2 }]);
  });

  it('does nothing without temperatures but place what waits, as all-on does', () => {
    const vms = [...loaded, { demandMips: 300 }, { demandMips: 200 }];
    const twin = startTwin({ hosts: 3, vms });
    const ours = decideOnce(twin.fork(), createPolicy('thermal-balance', 'policy')).plan.actions;
    const theirs = decideOnce(twin.fork(), createPolicy('all-on', 'policy')).plan.actions;
    expect(ours).toEqual(theirs);
    expect(ours.every(({ type }) => type === 'place')).toBe(true);
    expect(plan({ hosts: 3, vms: loaded })).toEqual([]);
  });

  it('places waiting VMs where it stays coldest', () => {
    const hosts = [{ heat: heat(30) }, { heat: heat(22) }, { heat: heat(25) }];
    const twin = startTwin({ hosts, vms: [1000, 900, 800].map((demandMips) => ({ demandMips })) });
    const { plan: made } = decideOnce(twin, createPolicy('thermal-balance', 'policy'));
    // Nothing is measured yet, so each counts with its 2000 MIPS, 10 K: 52 °C, then 55 °C, then 60 °C.
    expect(made.actions).toEqual([
      { type: 'place', vm: 0, host: 1 },
      { type: 'place', vm: 1, host: 2 },
      { type: 'place', vm: 2, host: 0 },
    ]);
  });
});

const randomHost: fc.Arbitrary<HostOptions> = fc
  .record({
    coreMips: fc.constantFrom(800, 1000),
    heat: fc.option(
      fc.record({
        resistanceKPerW: fc.constantFrom(0.1, 0.2, 0.3),
        capacityJPerK: fc.constant(500),
        inletC: fc.integer({ min: 15, max: 40 }),
        limitC: fc.integer({ min: 40, max: 80 }),
      }),
      { nil: undefined, freq: 8 },
    ),
  })
  .map(({ heat: given, ...rest }) => ({
    ...rest,
    ...(given === undefined ? {} : { heat: given }),
  }));

const randomHotCluster: fc.Arbitrary<ClusterOptions> = fc
  .array(randomHost, { minLength: 2, maxLength: 6 })
  .chain((hosts) =>
    fc.record({
      hosts: fc.constant(hosts),
      vms: fc.array(
        fc.record({
          demandMips: fc.integer({ min: 0, max: 1800 }),
          memoryGib: fc.constantFrom(0.5, 1),
          host: fc.nat({ max: hosts.length - 1 }),
        }),
        { minLength: 1, maxLength: 14 },
      ),
    }),
  );

/** Temperatures that the load of each host leads to, from the specs alone. */
function headings(options: ClusterOptions, load: readonly number[]): number[] {
  return (options.hosts as readonly HostOptions[]).map(({ heat: spec, coreMips = 1000 }, host) => {
    const watts = 100 + 100 * Math.min(1, load[host]! / (4 * coreMips));
    return spec === undefined ? Number.NaN : spec.inletC + spec.resistanceKPerW * watts;
  });
}

describe('on random clusters', () => {
  it('every move ends colder than it began, and below the limit', () => {
    fc.assert(
      fc.property(randomHotCluster, fc.nat({ max: 5 }), (options, migrations) => {
        const at = options.vms!.map((vm) => vm.host!);
        const load = (): number[] =>
          (options.hosts as readonly HostOptions[]).map((_, host) =>
            at.reduce(
              (sum, place, vm) => sum + (place === host ? Number(options.vms![vm]!.demandMips) : 0),
              0,
            ),
          );
        const moves = plan(options, { margin: 2, gain: 1 }, migrations);
        expect(moves.length).toBeLessThanOrEqual(migrations);
        for (const move of moves) {
          if (move.type !== 'migrate') throw new Error(`a ${move.type}`);
          const before = headings(options, load())[at[move.vm]!]!;
          at[move.vm] = move.host;
          const after = headings(options, load())[move.host]!;
          expect(after).toBeLessThan(before - 1 + 1e-9);
          const { heat: spec } = (options.hosts as readonly HostOptions[])[move.host]!;
          expect(after).toBeLessThan(Math.max(spec!.limitC!, spec!.inletC) - 2 + 1e-9);
        }
      }),
      tries(300),
    );
  });

  it('comes to rest while demand stays as it is', () => {
    fc.assert(
      fc.property(randomHotCluster, (options) => {
        const twin = startTwin(options);
        const policy = createPolicy('thermal-balance', 'policy');
        advance(twin, 5 * minute);
        let decisions = 0;
        for (; decisions < 20; decisions++) {
          const { plan: made } = decideOnce(twin, policy);
          if (made.migrations === 0 && settled(twin)) break;
          advance(twin, twin.nowMs + 5 * minute);
        }
        expect(decisions).toBeLessThan(20);
      }),
      tries(150),
    );
  });
});

const settled = (twin: Twin): boolean => twin.state.vmMigration.every((slot) => slot < 0);

describe('a hot aisle', () => {
  /** Two hosts at 20 °C, two at 30 °C; the warm ones can carry 1900 MIPS for ever, the cold all. */
  const aisle: ClusterOptions = {
    hosts: [20, 20, 30, 30].map((inletC) => ({
      pstates: threePstates,
      // A time constant of 1000 s: the first measurements come before the first throttling.
      heat: { ...heat(inletC, 60), capacityJPerK: 5000 },
    })),
    vms: Array.from({ length: 12 }, (_, vm) => ({
      demandMips: 800,
      vcpus: 1,
      memoryGib: 1,
      host: vm % 4,
    })),
    steps: 24,
  };
  const run = (spec: unknown): RunResult =>
    runPolicy(startTwin(aisle), createPolicy(spec, 'policy'), {
      untilMs: 120 * minute,
      decisionEveryMs: 5 * minute,
      objective: defaultObjective,
      afterEvent: checkInvariants,
    });

  it('throttles under all-on, not when heat is balanced, and loses less work', () => {
    const even = run('all-on');
    const balanced = run('thermal-balance');
    // 2400 MIPS each: 162 W, 62 °C in the warm aisle; 750 MIPS a core in the next P-state.
    expect(even.summary.pstateChanges).toBeGreaterThan(0);
    expect(balanced.summary.pstateChanges).toBe(0);
    expect(balanced.refusedActions).toBe(0);
    // A third of the warm aisle's VMs: 1600 MIPS, 142 W, 58.5 °C, and all that the cold one has room for.
    expect(balanced.summary.migrations).toBe(2);
    expect(balanced.cost.lostVcpuHours).toBeLessThan(even.cost.lostVcpuHours / 4);
    expect(balanced.objective).toBeLessThan(even.objective);
  });

  it('plans what can be carried out', () => {
    const twin = startTwin(aisle);
    advance(twin, 5 * minute);
    const { plan: made } = decideOnce(twin.fork(), createPolicy('thermal-balance', 'policy'));
    expect(made.migrations).toBeGreaterThan(0);
    expect(applyPlan(twin, made.actions)).toEqual([]);
  });
});
