/** Random snapshots of small clusters, and big ones for measuring. */
import fc from 'fast-check';
import {
  type ClusterSnapshot,
  type SnapshotInput,
  snapshotGovernors,
  snapshotSchema,
} from '../../../deploy/cluster/snapshot.ts';
import { RandomStream } from '../../../sim/index.ts';
import { gib } from '../../builders.ts';

type HostInput = SnapshotInput['hosts'][number];
type VmInput = SnapshotInput['vms'][number];

const optional = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> =>
  fc.option(value, { nil: undefined });

/** Without the keys that are undefined. */
const present = <Value extends object>(value: Value): Value =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as Value;

const frequencies = fc
  .uniqueArray(fc.integer({ min: 8, max: 40 }), { minLength: 1, maxLength: 5 })
  .map((steps) => steps.toSorted((a, b) => b - a).map((step) => step * 100));

const host = (index: number): fc.Arbitrary<HostInput> =>
  fc
    .record({
      state: fc.constantFrom(
        ...(['on', 'on', 'on', 'on', 'off', 'asleep', 'waking', 'unknown'] as const),
      ),
      cores: fc.integer({ min: 1, max: 64 }),
      memory: fc.integer({ min: 8, max: 256 }),
      frequenciesMhz: frequencies,
      idleW: fc.integer({ min: 0, max: 120 }),
      rangeW: fc.integer({ min: 0, max: 300 }),
      points: fc.integer({ min: 1, max: 3 }),
      requestedMhz: optional(fc.integer({ min: 500, max: 4200 })),
      currentMhz: optional(fc.integer({ min: 500, max: 4200 })),
      governor: optional(fc.constantFrom(...snapshotGovernors)),
      utilization: optional(fc.double({ min: 0, max: 1, noNaN: true })),
      offW: fc.integer({ min: 0, max: 9 }),
      sleepW: optional(fc.integer({ min: 1, max: 12 })),
      wakeS: fc.integer({ min: 0, max: 300 }),
      wakeW: optional(fc.integer({ min: 1, max: 200 })),
      acceptsVms: fc.constantFrom(true, true, true, false),
      canSleep: fc.boolean(),
    })
    .map(({ memory, idleW, rangeW, points, ...rest }) => ({
      ...present(rest),
      name: `host-${index}`,
      memoryBytes: memory * gib,
      power: Array.from({ length: points }, (_, point) => ({
        mhz: 3600 - 900 * point,
        idleW: idleW / (1 + point / 4),
        fullW: (idleW + rangeW) / (1 + point / 3) + 40,
      })),
      // Suspended hosts can be.
      ...(rest.state === 'asleep' ? { sleepW: rest.sleepW ?? 3 } : {}),
    }));

const vm = (index: number, hosts: readonly HostInput[]): fc.Arbitrary<VmInput> => {
  const up = hosts.filter(({ state }) => state === 'on' || state === 'unknown');
  const names = up.map(({ name }) => name);
  return fc
    .record({
      host: names.length === 0 ? fc.constant(null) : fc.constantFrom(null, ...names, ...names),
      movingTo: names.length < 2 ? fc.constant(undefined) : optional(fc.constantFrom(...names)),
      vcpus: fc.integer({ min: 1, max: 16 }),
      memory: fc.integer({ min: 1, max: 16 }),
      // Quarters are exact on the twin's grid.
      demandMhz: fc.array(
        fc.integer({ min: 0, max: 40_000 }).map((quarters) => quarters / 4),
        { maxLength: 50 },
      ),
      quotaCores: optional(fc.integer({ min: 1, max: 8 })),
      movable: fc.constantFrom(true, true, false),
      dirtyBytesPerS: optional(fc.integer({ min: 0, max: 50_000_000 })),
      weight: fc.constantFrom(1, 1, 2),
    })
    .map(({ memory, movingTo, ...rest }) => ({
      ...present(rest),
      name: `vm-${index}`,
      memoryBytes: memory * gib,
      ...(rest.host === null || movingTo === undefined || movingTo === rest.host
        ? {}
        : { movingTo }),
    }));
};

/** At most `most` hosts and three times as many VMs; what they hold may exceed their memory. */
export const snapshots = (most = 6): fc.Arbitrary<ClusterSnapshot> =>
  fc
    .integer({ min: 1, max: most })
    .chain((count) => fc.tuple(...Array.from({ length: count }, (_, index) => host(index))))
    .chain((hosts) =>
      fc.record({
        hosts: fc.constant(hosts),
        vms: fc
          .integer({ min: 0, max: 3 * most })
          .chain((count) =>
            fc.tuple(...Array.from({ length: count }, (_, index) => vm(index, hosts))),
          ),
        intervalS: fc.constantFrom(10, 60, 300, 0.5),
        migrationBytesPerS: fc.constantFrom(1e8, 1.25e9),
      }),
    )
    .map((input) => snapshotSchema.parse({ ...input, atMs: 1_700_000_000_000 }));

/** Hosts of 32 cores with as many VMs each as fit; a half of the CPU is asked for. */
export function bigSnapshot(hosts: number, vms: number, rows = 36, seed = 1): ClusterSnapshot {
  const random = new RandomStream(seed, 'snapshot');
  return snapshotSchema.parse({
    atMs: 1_700_000_000_000,
    intervalS: 60,
    hosts: Array.from({ length: hosts }, (_, index) => ({
      name: `host-${index}`,
      cores: 32,
      memoryBytes: 512 * gib,
      frequenciesMhz: [3000, 2600, 2200, 1800, 1400, 1000],
      requestedMhz: 3000,
      power: [
        { mhz: 3000, idleW: 90, fullW: 320 },
        { mhz: 1000, idleW: 70, fullW: 140 },
      ],
      sleepW: 6,
      canSleep: true,
    })),
    vms: Array.from({ length: vms }, (_, index) => {
      const level = random.float() * 4 * 3000;
      return {
        name: `vm-${index}`,
        host: `host-${index % hosts}`,
        vcpus: 4,
        memoryBytes: 4 * gib,
        demandMhz: Array.from({ length: rows }, () => level * (0.8 + 0.4 * random.float())),
      };
    }),
  });
}
