/** A twin is its bytes: copies, snapshots, other names and other units change nothing. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  advance,
  type ClusterModel,
  createPolicy,
  decodeSnapshot,
  defaultObjective,
  encodeSnapshot,
  governors,
  type RunSummary,
  runPolicy,
  summarize,
  Twin,
} from '../../sim/index.ts';
import { type ClusterOptions, clusterModel, type HostOptions, startTwin } from '../builders.ts';
import {
  type Deed,
  doDeed,
  randomCluster,
  randomDeeds,
  randomDeedsAndFailures,
  tries,
} from './random-cluster.ts';

it('a fork never disturbs its parent, whatever happens to it', () => {
  fc.assert(
    fc.property(randomCluster, randomDeeds, randomDeedsAndFailures, (cluster, past, future) => {
      const twin = startTwin(cluster, 1, governors);
      for (const deed of past) doDeed(twin, deed);
      const before = new Uint8Array(twin.state.buffer).slice();
      const fork = twin.fork();
      for (const deed of future) doDeed(fork, deed);
      advance(fork, fork.nowMs + 1_000_000);
      expect(Buffer.compare(new Uint8Array(twin.state.buffer), before)).toBe(0);
      // Nor does the parent's past with a fork: it and a fresh fork go on alike.
      const again = twin.fork(fork);
      for (const deed of future) {
        doDeed(twin, deed);
        doDeed(again, deed);
      }
      expect(again.state.equals(twin.state)).toBe(true);
    }),
    tries(150),
  );
});

it('snapshot, encode, decode and go on is the same as never having stopped', () => {
  fc.assert(
    fc.property(randomCluster, randomDeeds, randomDeedsAndFailures, (cluster, past, future) => {
      const model = clusterModel(cluster);
      const twin = Twin.create(model, 1, governors);
      for (const deed of past) doDeed(twin, deed);
      const bytes = encodeSnapshot(twin);
      // The same cluster built once more, as another process would.
      const restored = decodeSnapshot(bytes, clusterModel(cluster), 'snapshot', governors);
      expect(restored.state.equals(twin.state)).toBe(true);
      for (const deed of future) {
        doDeed(twin, deed);
        doDeed(restored, deed);
      }
      advance(twin, twin.nowMs + 1_000_000);
      advance(restored, restored.nowMs + 1_000_000);
      expect(restored.state.equals(twin.state)).toBe(true);
    }),
    tries(100),
  );
});

/** The host without what depends on temperature. */
function withoutHeat({ heat: _, component: __, ...rest }: HostOptions): HostOptions {
  return rest;
}

/** The cluster with every power multiplied. */
function scaled(cluster: ClusterOptions, factor: number): ClusterModel {
  // Twice the power is another temperature, and parts have no one figure to double.
  const hosts = (cluster.hosts as readonly HostOptions[]).map(withoutHeat);
  const model = clusterModel({ ...cluster, hosts });
  const columns = [
    model.hostOffW,
    model.hostBootW,
    model.hostShutdownW,
    model.hostSuspendW,
    model.hostAsleepW,
    model.hostResumeW,
    model.pstateIdleW,
    model.pstateEpsilonW,
    model.pstateFullW,
    model.curvesW,
  ];
  for (const column of columns) {
    for (let row = 0; row < column.length; row++) column[row]! *= factor;
  }
  return model;
}

it('twice the power takes exactly twice the energy and changes nothing else', () => {
  const policy = fc.constantFrom('pabfd', 'lr-mmt', 'thr-rs', 'ondemand');
  fc.assert(
    fc.property(randomCluster, policy, (cluster, name) => {
      const summaryAt = (factor: number): RunSummary =>
        runPolicy(
          Twin.create(scaled(cluster, factor), 3, governors),
          createPolicy(name, 'policy'),
          {
            untilMs: 1_800_000,
            decisionEveryMs: 60_000,
            objective: defaultObjective,
          },
        ).summary;
      const once = summaryAt(1);
      // Doubling is exact in floating point, and so is every sum of doubled numbers.
      expect(summaryAt(2)).toEqual({
        ...once,
        energyKwh: 2 * once.energyKwh,
        esv: 2 * once.esv,
      });
    }),
    tries(150),
  );
});

/** The same cluster and deeds with host `h` called `order[h]`. */
function renamed(
  cluster: ClusterOptions,
  deeds: readonly Deed[],
  order: readonly number[],
): { readonly cluster: ClusterOptions; readonly deeds: readonly Deed[] } {
  const vms = (cluster.vms ?? []).map((vm) => ({
    ...vm,
    host: (vm.host ?? -1) < 0 ? -1 : order[vm.host!]!,
  }));
  return {
    cluster: { ...cluster, vms },
    deeds: deeds.map((deed) => ({ ...deed, host: order[deed.host % order.length]! })),
  };
}

it('exchanging identical hosts changes no total', () => {
  const cases = randomCluster.chain((cluster) => {
    const { length } = cluster.hosts as readonly HostOptions[];
    const order = fc.shuffledSubarray(
      Array.from({ length }, (_, host) => host),
      { minLength: length },
    );
    return fc.record({ cluster: fc.constant(cluster), order });
  });
  const actions = randomDeeds.map((deeds) => deeds.filter(({ kind }) => kind !== 'policy'));
  fc.assert(
    fc.property(cases, actions, ({ cluster, order }, deeds) => {
      const [first] = cluster.hosts as readonly HostOptions[];
      const alike: ClusterOptions = {
        ...cluster,
        // The moment of a throttle is a sum, rounded by the order of events.
        hosts: order.map(() => ({ ...withoutHeat(first!), initiallyOn: true, memoryGib: 20 })),
      };
      const other = renamed(alike, deeds, order);
      const summaryOf = (options: ClusterOptions, story: readonly Deed[]): RunSummary => {
        const twin = startTwin(options, 1, governors);
        for (const deed of story) doDeed(twin, deed);
        advance(twin, twin.nowMs + 500_000);
        return summarize(twin).summary;
      };
      const expected = summaryOf(alike, deeds);
      const found = summaryOf(other.cluster, other.deeds);
      for (const [field, value] of Object.entries(expected)) {
        const same = found[field as keyof RunSummary] as number;
        // Sums over hosts are taken in another order.
        const difference = Math.abs(same - value);
        expect(
          difference <= 1e-9 * Math.max(1, Math.abs(value)),
          `${field}: ${same}, ${value}`,
        ).toBe(true);
      }
    }),
    tries(200),
  );
});
