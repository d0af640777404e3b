import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  advance,
  diskResponseS,
  failHost,
  migrateVm,
  placeVm,
  type StarNetwork,
  setDiskLimit,
  setTraffic,
  streamBytes,
  type Twin,
} from '../../sim/index.ts';
import { type ClusterOptions, mib, startTwin } from '../builders.ts';

/** Rate of stream `stream` now, MiB/s. */
const rate = (twin: Twin, stream: number): number =>
  twin.state.flowBytesPerS[twin.model.migrationsMax + stream]! / mib;

const star = (portMib: number, more: Partial<StarNetwork> = {}): StarNetwork => ({
  type: 'star',
  portBytesPerS: portMib * mib,
  ...more,
});

describe('traffic', () => {
  const cluster: ClusterOptions = {
    hosts: 3,
    vms: [{ host: 0 }, { host: 1 }, { host: 0 }, { host: 2 }],
    network: star(100),
    migration: { bytesPerS: 0, dirtyIntensity: 0, workingSetBytes: 0 },
  };

  it('shares ports with migrations, and is on the interface of both hosts', () => {
    const twin = startTwin({
      ...cluster,
      traffic: [
        { from: { vm: 0 }, to: { vm: 1 }, bytesPerS: 30 * mib },
        { from: 'outside', to: { vm: 3 }, bytesPerS: 500 * mib },
        { from: { vm: 0 }, to: { vm: 2 }, bytesPerS: 700 * mib },
      ],
    });
    expect([rate(twin, 0), rate(twin, 1), rate(twin, 2)]).toEqual([30, 100, 700]);
    const nic = (): number[] => [...twin.state.hostNicBytesPerS.slice(0, 3)].map((b) => b / mib);
    // What stays on a host does not reach its interface.
    expect(nic()).toEqual([30, 30, 100]);
    // VM 2 goes to host 1 over the ports of 0 and 1, where 30 MiB/s flow.
    expect(migrateVm(twin, 2, 1)).toBeUndefined();
    expect(twin.state.flowBytesPerS[0]! / mib).toBe(70);
    expect(nic()).toEqual([100, 100, 100]);
    expect(setTraffic(twin, 0, 80 * mib)).toBeUndefined();
    expect([rate(twin, 0), twin.state.flowBytesPerS[0]! / mib]).toEqual([50, 50]);
    // 2048 MiB at 50 MiB/s: 40.96 s. Then VM 0 talks to VM 2 over the ports as well.
    advance(twin, 40_970);
    expect(twin.state.vmHost[2]).toBe(1);
    expect([rate(twin, 0), rate(twin, 2)]).toEqual([50, 50]);
    expect(nic()).toEqual([100, 100, 100]);
  });

  it('meters what was asked for and what was carried', () => {
    const twin = startTwin({
      ...cluster,
      traffic: [
        { from: { vm: 0 }, to: { vm: 1 }, bytesPerS: 60 * mib },
        { from: { vm: 2 }, to: { vm: 1 }, bytesPerS: 80 * mib, startMs: 10_000, bytes: 500 * mib },
      ],
    });
    // Alone for 10 s; then 50 and 50 for 10 s, until 500 MiB are sent; then alone again.
    advance(twin, 15_000);
    expect([rate(twin, 0), rate(twin, 1)]).toEqual([50, 50]);
    advance(twin, 30_000);
    expect(rate(twin, 1)).toBe(0);
    expect(streamBytes(twin, 0).carried / mib).toBeCloseTo(600 + 500 + 600, 6);
    expect(streamBytes(twin, 0).demanded / mib).toBeCloseTo(1800, 6);
    expect(streamBytes(twin, 1)).toEqual({ demanded: 800 * mib, carried: 500 * mib });
    expect(setTraffic(twin, 1, mib)).toBe('the stream does not flow');
    expect(setTraffic(twin, 2, mib)).toBe('there is no such stream');
    expect(setTraffic(twin, 0, Number.NaN)).toBe('a rate is a number of bytes/s from 0 up');
  });

  it('stands still while a VM waits or is stopped, and ends with it', () => {
    const twin = startTwin({
      ...cluster,
      vms: [{ host: 0 }, {}],
      traffic: [{ from: { vm: 0 }, to: { vm: 1 }, bytesPerS: 10 * mib }],
    });
    expect(rate(twin, 0)).toBe(0);
    advance(twin, 5000);
    expect(placeVm(twin, 1, 2)).toBeUndefined();
    expect(rate(twin, 0)).toBe(10);
    expect(streamBytes(twin, 0)).toEqual({ demanded: 50 * mib, carried: 0 });
    failHost(twin, 2);
    expect(rate(twin, 0)).toBe(0);
    advance(twin, 10_000);
    expect(streamBytes(twin, 0).demanded).toBe(50 * mib);
    expect([...twin.state.hostNicBytesPerS]).toEqual([0, 0, 0, 0]);
    expect([...twin.state.hostSpecial.slice(0, 3)]).toEqual([0, 0, 0]);
  });

  it('is free where there is none', () => {
    const { state, model } = startTwin(cluster);
    expect([state.hostNicBytesPerS.length, state.hostDiskBusy.length]).toEqual([0, 0]);
    expect([state.streamCarriedBytes.length, model.flows - model.migrationsMax]).toEqual([0, 0]);
  });
});

describe('a star', () => {
  const cross: ClusterOptions = {
    hosts: 4,
    vms: [{ host: 0 }, { host: 1 }, { host: 2 }, { host: 3 }],
    traffic: [
      { from: { vm: 0 }, to: { vm: 2 }, bytesPerS: 1000 * mib },
      { from: { vm: 1 }, to: { vm: 3 }, bytesPerS: 1000 * mib },
      { from: { vm: 0 }, to: { vm: 1 }, bytesPerS: 20 * mib },
      { from: { vm: 2 }, to: { vm: 0 }, bytesPerS: 1000 * mib },
    ],
  };

  it('of half-duplex ports lets both directions share a port', () => {
    const twin = startTwin({ ...cross, network: star(100) });
    // Port 0: 20 of stream 2, 40 each of 0 and 3. Port 1: 80 left for stream 1.
    expect([0, 1, 2, 3].map((stream) => rate(twin, stream))).toEqual([40, 80, 20, 40]);
  });

  it('of full-duplex ports gives each direction all of it', () => {
    const twin = startTwin({ ...cross, network: star(100, { duplex: true }) });
    expect([0, 1, 2, 3].map((stream) => rate(twin, stream))).toEqual([80, 100, 20, 100]);
  });

  it('of two racks narrows what goes from rack to rack', () => {
    // Hosts 0, 1 and 2, 3; 60 MiB/s up and down: streams 0 and 1 share it, 2 stays inside.
    const racks = { rackOf: (host: number) => host >> 1, uplinkBytesPerS: 60 * mib };
    const twin = startTwin({ ...cross, network: star(100, { duplex: true, racks }) });
    expect([0, 1, 2, 3].map((stream) => rate(twin, stream))).toEqual([30, 30, 20, 60]);
    const core = { ...racks, coreBytesPerS: 75 * mib };
    const narrow = startTwin({ ...cross, network: star(100, { duplex: true, racks: core }) });
    expect([0, 1, 2, 3].map((stream) => rate(narrow, stream))).toEqual([25, 25, 20, 25]);
  });

  it('has one link outside', () => {
    const twin = startTwin({
      ...cross,
      traffic: [0, 1, 2, 3].map((vm) => ({
        from: { vm },
        to: 'outside' as const,
        bytesPerS: (vm + 1) * 10 * mib,
      })),
      network: star(100, { outsideBytesPerS: 70 * mib }),
    });
    expect([0, 1, 2, 3].map((stream) => rate(twin, stream))).toEqual([10, 20, 20, 20]);
  });

  it('refuses ends outside where routes are explicit, and links without capacity', () => {
    const traffic = [{ from: 'outside' as const, to: { vm: 0 }, bytesPerS: 1 }];
    const network = {
      type: 'routed' as const,
      links: [],
      routes: [],
      transport: 'fluid' as const,
      crossTraffic: false,
    };
    expect(() => startTwin({ ...cross, traffic, network })).toThrow('outside needs a star');
    expect(() => startTwin({ ...cross, network: star(0) })).toThrow('a link carries 0 bytes/s');
  });
});

/** Shares of one resource by filling it slowly: who is satisfied drops out, the rest go on. */
function waterFill(caps: readonly number[], capacity: number): number[] {
  const shares = caps.map(() => 0);
  let open = caps.map((_, claim) => claim).filter((claim) => caps[claim]! > 0);
  let left = capacity;
  while (open.length > 0 && left > capacity * 1e-12) {
    const step = Math.min(
      left / open.length,
      ...open.map((claim) => caps[claim]! - shares[claim]!),
    );
    for (const claim of open) shares[claim]! += step;
    left -= step * open.length;
    open = open.filter((claim) => caps[claim]! - shares[claim]! > caps[claim]! * 1e-12);
  }
  return shares;
}

describe('disks', () => {
  it('are shared max-min fairly under each VM’s throttle, as plain filling does', () => {
    const claim = fc.record({
      bytesPerS: fc.integer({ min: 0, max: 90 }),
      bytesPerMi: fc.constantFrom(0, 0, 1024, 32768),
      limitBytesPerS: fc.constantFrom(Infinity, Infinity, 5, 17),
      demandMips: fc.integer({ min: 0, max: 2000 }),
    });
    fc.assert(
      fc.property(
        fc.array(claim, { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 300 }),
        (claims, disk) => {
          const twin = startTwin({
            hosts: [{ memoryGib: 64 }],
            vms: claims.map(({ demandMips }) => ({ host: 0, demandMips })),
            disks: {
              bytesPerS: () => disk * mib,
              demand: (vm) => ({
                bytesPerS: claims[vm]!.bytesPerS * mib,
                bytesPerMi: claims[vm]!.bytesPerMi,
                limitBytesPerS: claims[vm]!.limitBytesPerS * mib,
              }),
            },
          });
          advance(twin, 1000);
          const caps = claims.map((one) =>
            Math.min(one.bytesPerS + (one.bytesPerMi * one.demandMips) / mib, one.limitBytesPerS),
          );
          const expected = waterFill(caps, disk);
          expected.forEach((share, vm) => {
            expect(rate(twin, vm)).toBeCloseTo(share, 8);
          });
          const busy = Math.min(1, expected.reduce((sum, share) => sum + share, 0) / disk);
          expect(twin.state.hostDiskBusy[0]).toBeCloseTo(busy, 8);
        },
      ),
      { seed: 2, numRuns: 300 },
    );
  });

  it('follow the VM, its demand and its throttle', () => {
    const twin = startTwin({
      hosts: 2,
      vms: [{ host: 0, demandMips: [1000, 200] }],
      disks: {
        bytesPerS: (host) => (host === 0 ? 40 : 80) * mib,
        demand: () => ({ bytesPerMi: 0.05 * mib }),
      },
      migration: { bytesPerS: 100 * mib, dirtyIntensity: 0, workingSetBytes: 0 },
    });
    const busy = (): number[] => [...twin.state.hostDiskBusy.slice(0, 2)];
    advance(twin, 0);
    // 1000 MIPS × 0.05 MiB: 50 of 40 MiB/s.
    expect([rate(twin, 0), ...busy()]).toEqual([40, 1, 0]);
    migrateVm(twin, 0, 1);
    advance(twin, 60_000);
    expect([rate(twin, 0), ...busy()]).toEqual([50, 0, 0.625]);
    expect(setDiskLimit(twin, 0, 20 * mib)).toBeUndefined();
    expect([rate(twin, 0), ...busy()]).toEqual([20, 0, 0.25]);
    advance(twin, 300_000);
    // 200 MIPS: 10 MiB/s, below the limit.
    expect([rate(twin, 0), ...busy()]).toEqual([10, 0, 0.125]);
    expect(setDiskLimit(twin, 5, mib)).toBe('there is no such VM');
    const { demanded, carried } = streamBytes(twin, 0);
    // 20.48 s of 50 asked and 40 done on host 0, then 50 until 60 s, 20 until 300 s.
    expect(demanded / mib).toBeCloseTo(50 * 300, 6);
    expect(carried / mib).toBeCloseTo(40 * 20.48 + 50 * (60 - 20.48) + 20 * 240, 6);
  });

  it('are read and written by storage migration, beside the VMs there', () => {
    const twin = startTwin({
      hosts: 2,
      vms: [{ host: 0 }, { host: 1 }],
      network: star(1000),
      disks: {
        bytesPerS: (host) => (host === 0 ? 200 : 100) * mib,
        demand: (vm) => ({ bytesPerS: vm === 1 ? 70 * mib : 0 }),
      },
      migration: {
        bytesPerS: 500 * mib,
        dirtyIntensity: 0,
        workingSetBytes: 0,
        storageBytes: 500 * mib,
      },
    });
    migrateVm(twin, 0, 1);
    // The target's disk gives 50 MiB/s to each.
    expect([rate(twin, 1), twin.state.flowBytesPerS[0]! / mib]).toEqual([50, 50]);
    expect([...twin.state.hostDiskBusy.slice(0, 2)]).toEqual([0.25, 1]);
    advance(twin, 10_001);
    // Then memory, at its own rate, and the disks are the VMs' again.
    expect([rate(twin, 1), twin.state.flowBytesPerS[0]! / mib]).toEqual([70, 500]);
    expect([...twin.state.hostDiskBusy.slice(0, 2)]).toEqual([0, 0.7]);
  });

  it('take requests/s as bytes/s, and say how long a request takes', () => {
    const twin = startTwin({
      hosts: 1,
      vms: [{ host: 0 }],
      disks: {
        bytesPerS: () => 100 * mib,
        demand: () => ({ bytesPerS: 50 * mib, limitRequestsPerS: 1000, requestBytes: 4096 }),
      },
    });
    expect(twin.state.flowBytesPerS[twin.model.migrationsMax]).toBe(4_096_000);
    // M/D/1: 1 ms of service and at half load half of it more; without load nothing more.
    expect(diskResponseS(1e5, 1e8, 0)).toBe(0.001);
    expect(diskResponseS(1e5, 1e8, 0.5)).toBeCloseTo(0.0015, 12);
    expect(diskResponseS(1e5, 1e8, 1)).toBe(Infinity);
  });
});
