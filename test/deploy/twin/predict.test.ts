/**
 * Predictions on a live twin against the twin that its snapshot was cut from: given the true future,
 * what is foretold is what then happens.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { liveTwin } from '../../../deploy/twin/live-twin.ts';
import { predict, predictItems } from '../../../deploy/twin/predict.ts';
import {
  type Action,
  advance,
  applyPlan,
  costBetween,
  costOf,
  createPolicy,
  defaultObjective,
  energyNowJ,
  type HostSpec,
  Plan,
  policyChance,
  runPolicy,
  scalarCost,
  type Twin,
  TwinView,
} from '../../../sim/index.ts';
import { gib, mib, startTwin } from '../../builders.ts';
import { cutSnapshot, isQuiet, trueFuture } from './cut.ts';
import { bigSnapshot } from './snapshots.ts';

const intervalS = 60;
const horizon = 6;
const bytesPerS = 100 * mib;

const ladder = (idleW: number, fullW: number): HostSpec['pstates'] =>
  [1000, 800, 500].map((coreMips) => {
    const idle = idleW * (0.7 + coreMips / 3333);
    return { coreMips, idleW: idle, epsilonW: idle, fullW: idle + (fullW * coreMips) / 1000 };
  });

const host = fc
  .record({
    cores: fc.integer({ min: 2, max: 8 }),
    idleW: fc.integer({ min: 20, max: 120 }),
    fullW: fc.integer({ min: 0, max: 200 }),
    memoryGib: fc.integer({ min: 8, max: 24 }),
    bootMs: fc.constantFrom(0, 25_000, 90_000, 200_000),
    shutdownMs: fc.constantFrom(0, 20_000, 70_000),
    initiallyOn: fc.constantFrom(true, true, true, false),
    canSuspend: fc.boolean(),
  })
  .map(({ idleW, fullW, canSuspend, ...rest }) => {
    const pstates = ladder(idleW, fullW);
    const shutdownW = pstates[0]!.idleW;
    const sleep = {
      suspendMs: rest.shutdownMs,
      suspendW: shutdownW,
      asleepW: 4,
      resumeMs: rest.bootMs,
      resumeW: 150,
    };
    return { ...rest, pstates, shutdownW, bootW: 150, ...(canSuspend ? { sleep } : {}) };
  });

const vm = fc.record({
  demandMips: fc.array(fc.integer({ min: 0, max: 2500 }), { minLength: 30, maxLength: 30 }),
  vcpus: fc.integer({ min: 1, max: 3 }),
  memoryGib: fc.constantFrom(0.5, 1, 2),
  arrivalS: fc.constantFrom(0, 0, 0, 60, 100, 240),
});

/** A cluster that some policy has run for a while. */
const livedTwin = fc
  .record({
    hosts: fc.array(host, { minLength: 2, maxLength: 6 }),
    vms: fc.array(vm, { minLength: 1, maxLength: 14 }),
    policy: fc.constantFrom('best-fit', 'pabfd', 'thr-mmt', 'ondemand', 'worst-fit'),
    rows: fc.integer({ min: 6, max: 20 }),
  })
  .map(({ policy, rows, ...cluster }): Twin => {
    const twin = startTwin({
      ...cluster,
      intervalS,
      network: { type: 'star', portBytesPerS: bytesPerS, duplex: true },
    });
    runPolicy(twin, createPolicy(policy, 'policy'), {
      untilMs: rows * intervalS * 1000,
      decisionEveryMs: intervalS * 1000,
      objective: defaultObjective,
    });
    return twin;
  });

const migration = { dirtyIntensity: 0, workingSetFraction: 0, rules: {} };

const anyAction = (twin: Twin): fc.Arbitrary<Action> => {
  const { hosts, vms } = twin.model;
  const [host, vm] = [fc.nat({ max: hosts - 1 }), fc.nat({ max: vms - 1 })];
  return fc.oneof(
    fc.record({ type: fc.constant('migrate' as const), vm, host }),
    fc.record({ type: fc.constant('place' as const), vm, host }),
    fc.record({ type: fc.constant('powerOn' as const), host }),
    fc.record({ type: fc.constant('powerOff' as const), host }),
    fc.record({ type: fc.constant('setPstate' as const), host, pstate: fc.nat({ max: 2 }) }),
    fc.record({ type: fc.constant('setQuota' as const), vm, cores: fc.constantFrom(0.5, 1, 2) }),
  );
};

/** What the twin itself does until the horizon. */
function seen(twin: Twin, actions: readonly Action[]) {
  const fork = twin.fork();
  const before = costOf(fork);
  applyPlan(fork, actions);
  const powerW: number[] = [];
  const startMs = fork.nowMs;
  for (let step = 1; step <= horizon; step++) {
    const startJ = energyNowJ(fork);
    advance(fork, startMs + step * intervalS * 1000);
    powerW.push((energyNowJ(fork) - startJ) / intervalS);
  }
  const cost = costBetween(before, costOf(fork));
  return { cost, powerW, energyJ: cost.energyKwh * 3.6e6 };
}

/** Relative difference, of what is more than a thousandth. */
const apart = (a: number, b: number): number => Math.abs(a - b) / Math.max(1e-3, Math.abs(b));

describe('predictions', () => {
  it('are what the cluster then does, given its true future', () => {
    let compared = 0;
    let worst = 0;
    fc.assert(
      fc.property(
        livedTwin.chain((twin) =>
          fc.tuple(fc.constant(twin), fc.array(anyAction(twin), { maxLength: 12 })),
        ),
        ([twin, random]) => {
          advance(twin, twin.nowMs);
          fc.pre(isQuiet(twin));
          const plan = new Plan();
          createPolicy('best-fit', 'policy').decide(new TwinView(twin), plan, policyChance(twin));
          const live = liveTwin(cutSnapshot(twin), {
            horizon,
            forecast: trueFuture(twin),
            migration,
          });
          for (const actions of [[], plan.actions, random]) {
            const foretold = predict(live, actions);
            const real = seen(twin, actions);
            worst = Math.max(worst, apart(foretold.energyJ, real.energyJ));
            expect(apart(foretold.energyJ, real.energyJ)).toBeLessThan(1e-6);
            expect(apart(foretold.lostVcpuS, real.cost.lostVcpuHours * 3600)).toBeLessThan(1e-6);
            expect(apart(foretold.cost, scalarCost(real.cost, defaultObjective))).toBeLessThan(
              1e-6,
            );
            real.powerW.forEach((watts, step) => {
              expect(apart(foretold.powerW[step]!, watts)).toBeLessThan(1e-6);
            });
            compared++;
          }
        },
      ),
      { seed: 17, numRuns: 250 },
    );
    expect(compared).toBeGreaterThan(300);
    expect(worst).toBeLessThan(1e-9);
  });

  it('are of the fork only', () => {
    const live = liveTwin(bigSnapshot(4, 24));
    const before = live.twin.fork();
    const plan = new Plan();
    const { twin } = live;
    createPolicy('best-fit', 'policy').decide(new TwinView(twin), plan, policyChance(twin));
    before.state.rng.set(twin.state.rng);
    const first = predict(live, plan.actions);
    predictItems(live, plan.actions);
    expect(predict(live, plan.actions)).toEqual(first);
    expect(twin.state.equals(before.state)).toBe(true);
  });

  it('add up what hosts draw, and tell how full they get', () => {
    const live = liveTwin({
      ...bigSnapshot(2, 2),
      hosts: bigSnapshot(2, 2).hosts.map((one) => ({ ...one, cores: 8 })),
      vms: bigSnapshot(2, 2).vms.map((one, id) => ({ ...one, demandMhz: [id === 0 ? 6000 : 0] })),
    });
    // 6000 of 8 × 3000 MHz: a quarter, and 90 + (320 − 90) / 4 W.
    const { hosts, meanW, energyJ, powerW } = predict(live, []);
    expect(hosts[0]).toEqual({ host: 'host-0', meanW: 147.5, peakUtilization: 0.25 });
    expect(hosts[1]).toEqual({ host: 'host-1', meanW: 90, peakUtilization: 0 });
    expect([meanW, energyJ]).toEqual([237.5, 237.5 * 360]);
    expect(powerW).toEqual([237.5, 237.5, 237.5, 237.5, 237.5, 237.5]);
    // At 1000 MHz its 4 vCPUs have 4000 of the 6000, of 8000 on the host.
    const slow = predict(live, [{ type: 'setPstate', host: 0, pstate: 5 }], { horizon: 2 });
    expect(slow.hosts[0]!.peakUtilization).toBe(0.75);
    expect(slow.lostVcpuS).toBeCloseTo((2000 / 3000) * 120, 9);
    expect(slow.horizonS).toBe(120);
    expect(slow.cost).toBeCloseTo(slow.energyJ / 3.6e6 + 2 * (slow.lostVcpuS / 3600), 12);
  });
});

describe('forecasts of items', () => {
  const snapshot = {
    ...bigSnapshot(2, 2),
    vms: bigSnapshot(2, 2).vms.map((one) => ({
      ...one,
      demandMhz: [3000],
      dirtyBytesPerS: 10e6,
      memoryBytes: gib,
    })),
    migrationBytesPerS: 100e6,
  };

  it('are what one action adds to the others, with times of migrations', () => {
    const live = liveTwin(snapshot);
    const actions: Action[] = [
      { type: 'migrate', vm: 1, host: 0 },
      { type: 'powerOff', host: 1 },
    ];
    const [move, off] = predictItems(live, actions);
    const whole = predict(live, actions);
    expect(move!.energyJ).toBe(whole.energyJ - predict(live, [actions[1]!]).energyJ);
    expect(off!.energyJ).toBe(whole.energyJ - predict(live, [actions[0]!]).energyJ);
    expect(off!.energyJ).toBeLessThan(0);
    expect(off!.durationS).toBeUndefined();
    // Rounds of 10.74, 1.07, 0.107 … s while a tenth gets dirty; the rest fits into 300 ms.
    expect(move!.durationS).toBeCloseTo((gib / 100e6) * 1.11, 2);
    expect(move!.downtimeS).toBeLessThan(0.3);
    expect(move!.downtimeS).toBeGreaterThan(0.1);
  });

  it('tell of a move that outlasts the horizon how long it takes alone', () => {
    const live = liveTwin({ ...snapshot, migrationBytesPerS: 1e6 * 20 }, { horizon: 1 });
    const [move] = predictItems(live, [{ type: 'migrate', vm: 1, host: 0 }]);
    expect(move!.durationS).toBeGreaterThan(60);
    expect(predictItems(live, [{ type: 'migrate', vm: 1, host: 1 }])[0]!.durationS).toBeUndefined();
  });
});
