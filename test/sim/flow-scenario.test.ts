import { describe, expect, it } from 'vitest';
import {
  createWorkload,
  InputError,
  modelOf,
  parseScenario,
  qemuAutoConverge,
  sharedUint16,
} from '../../sim/index.ts';

const workload = createWorkload(
  'w',
  300_000,
  ['a', 'b', 'c'].map((name) => ({
    name,
    vcpus: 1,
    vcpuMips: 1000,
    memoryBytes: 1000,
    arrivalMs: 0,
    departureMs: Infinity,
    mipsPerUnit: 1,
  })),
  sharedUint16(3),
);

const scenarioOf = (keys: string): ReturnType<typeof parseScenario> =>
  parseScenario(
    `name: s
hosts: [{ model: grid5000-stremi, count: 4 }]
workload: { type: synthetic }
${keys}`,
    's.yaml',
  );

const issuesOf = (keys: string): string[] => {
  try {
    modelOf(scenarioOf(keys), workload, 's.yaml');
  } catch (error) {
    if (error instanceof InputError) return error.issues.map(({ path, got }) => `${path} ${got}`);
    throw error;
  }
  return [];
};

describe('the keys migration, network and disk', () => {
  it('leave plain pre-copy, a star and no disks where they are not given', () => {
    const model = modelOf(scenarioOf(''), workload, 's.yaml');
    expect(model.migrationRules).toHaveLength(1);
    expect(model.migrationRules[0]).toMatchObject({ downtimeLimitS: 0.03, roundsMax: Infinity });
    expect([model.streams, model.flowsBurdenHosts, model.network.hopsMax]).toEqual([0, false, 2]);
    expect(model.migrationTimeouts).toBe(false);
  });

  it('say how all VMs migrate, and how some differ', () => {
    const model = modelOf(
      scenarioOf(`migration:
  bandwidth: 128 MB/s
  downtimeLimit: 300 ms
  dirtyRate: 20 MB/s
  autoConverge: {}
  timeout: { after: 60 s, remedy: stop }
  stall: { remedy: postCopy }
  cpu: {}
  storage: { size: 10 GiB, rate: 50 MB/s }
  perVm:
    - { vms: [b], bandwidth: 1 Gbit/s, workingSet: 0.25, postCopy: { when: start } }`),
      workload,
      's.yaml',
    );
    expect([...model.migrationRule]).toEqual([0, 1, 0]);
    expect(model.migrationRules[0]).toMatchObject({
      downtimeLimitS: 0.3,
      autoConverge: qemuAutoConverge,
      timeoutS: 60,
      onTimeout: 'stop',
      stallFraction: 0.9,
      stallRounds: 3,
      onStall: 'postCopy',
      postCopy: 'request',
      storageBytesPerS: 50e6,
    });
    expect(model.migrationRules[1]).toMatchObject({ postCopy: 'start', downtimeLimitS: 0.3 });
    expect([...model.migrationBytesPerS]).toEqual([128e6, 125e6, 128e6]);
    expect([...model.migrationWorkingSetBytes]).toEqual([500, 250, 500]);
    expect([...model.migrationDirtyBytesPerS]).toEqual([20e6, 20e6, 20e6]);
    expect([...model.migrationStorageBytes]).toEqual(new Array(3).fill(10 * 1024 ** 3));
    expect(model.copyingCores).toEqual({ source: 1, target: 0.3, atBytesPerS: 128e6 });
    expect(model.migrationTimeouts).toBe(true);
  });

  it('lay out racks, traffic and disks', () => {
    const model = modelOf(
      scenarioOf(`network:
  port: 10 Gbit/s
  duplex: true
  racks: { hosts: 2, uplink: 20 Gbit/s, core: 30 Gbit/s }
  outside: 1 Gbit/s
  traffic:
    - { from: a, to: b, rate: 10 MB/s }
    - { from: outside, to: c, rate: 5 MB/s, size: 1 GB, start: 60 s }
disk: { rate: 500 MB/s, demand: 1 MB/s, perMips: 2 kB/s, requests: 100, requestSize: 4 KiB }`),
      workload,
      's.yaml',
    );
    expect([...model.network.rackOf]).toEqual([0, 0, 1, 1]);
    // 4 ports and 2 uplinks in two directions, core, outside, 4 disks.
    expect(model.network.links).toBe(8 + 4 + 1 + 1 + 4);
    expect([...model.traffic.fromVm, ...model.traffic.toVm]).toEqual([0, -1, 1, 2]);
    expect([...model.traffic.bytes, ...model.traffic.startMs]).toEqual([Infinity, 1e9, 0, 60_000]);
    expect([...model.disks.vmLimitBytesPerS]).toEqual(new Array(3).fill(409_600));
    expect(model.disks.vmBytesPerMi[0]).toBe(2000);
    expect([model.streams, model.trackNic, model.disks.followsCpu]).toEqual([5, true, true]);
  });

  it('name what is wrong with them', () => {
    expect(
      issuesOf(`migration: { perVm: [{ vms: [a, x] }, { vms: [a] }] }
network: { port: 0 MB/s, traffic: [{ from: y, to: a, rate: 1 MB/s }] }
disk: { rate: 0 MB/s }`),
    ).toEqual([
      's.yaml: migration.perVm[0].vms "x"',
      's.yaml: migration.perVm[1].vms "a" again',
      's.yaml: network.port 0',
      's.yaml: network.traffic[0].from "y"',
      's.yaml: disk.rate 0',
    ]);
    expect(() => scenarioOf('migration: { overhead: 1 }')).toThrow('migration.overhead');
    expect(() => scenarioOf('migration: { compression: 0.5 }')).toThrow('migration.compression');
  });
});
