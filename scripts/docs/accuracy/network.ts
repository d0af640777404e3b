/** Rates of flows against plain progressive filling of all links at once. */
import { advance, migrateVm, RandomStream, setTraffic } from '../../../sim/index.ts';
import type { Migration } from '../referees/fluid-parts.ts';
import { shareLinks, shares } from '../referees/fluid-shares.ts';
import { type AccuracyGroup, type AccuracyRow, apart, Worst } from './row.ts';
import { mib, smallTwin } from './small-twin.ts';

const cases = 200;

export const network: AccuracyGroup = {
  name: 'network',
  kind: 'exact',
  measure: () => [linkRow(), diskRow()],
};

/** A star of six hosts in two racks, random traffic and migrations. */
function linkRow(): AccuracyRow {
  const random = new RandomStream(1, 'network');
  const rates = new Worst();
  const hostCount = 6;
  const rackOf = (host: number): number => Math.floor(host / 3);
  for (let index = 0; index < cases; index++) {
    const capacity = {
      port: 100 + random.integer(900),
      uplink: 100 + random.integer(1900),
      outside: 200,
    };
    const vms = Array.from({ length: 12 }, (_, vm) => ({
      host: vm % hostCount,
      vcpus: 1,
      demandMips: 0,
    }));
    const traffic = Array.from({ length: 10 }, (_, stream) => ({
      from: { vm: random.integer(12) },
      to: stream < 3 ? ('outside' as const) : { vm: random.integer(12) },
      bytesPerS: (1 + random.integer(800)) * mib,
    })).filter(({ from, to }) => to === 'outside' || from.vm % hostCount !== to.vm % hostCount);
    const twin = smallTwin({
      hosts: Array.from({ length: hostCount }, () => ({})),
      vms,
      traffic,
      network: {
        type: 'star',
        portBytesPerS: capacity.port * mib,
        racks: { rackOf, uplinkBytesPerS: capacity.uplink * mib },
        outsideBytesPerS: capacity.outside * mib,
      },
      migration: () => ({ bytesPerS: 300 * mib, dirtyIntensity: 0, workingSetBytes: 0 }),
      migrationsMax: 4,
    });
    const route = (from: number, to: number): string[] => {
      if (to < 0) return [`port ${from}`, `uplink ${rackOf(from)}`, 'outside'];
      const up =
        rackOf(from) === rackOf(to) ? [] : [`uplink ${rackOf(from)}`, `uplink ${rackOf(to)}`];
      return [`port ${from}`, `port ${to}`, ...up];
    };
    // Every third stream changes its demand, so that rates are computed anew on a part of the links.
    advance(twin, 0);
    const demands = traffic.map(({ bytesPerS }) => bytesPerS);
    for (let stream = 0; stream < traffic.length; stream += 3) {
      demands[stream] = (1 + random.integer(800)) * mib;
      setTraffic(twin, stream, demands[stream]!);
    }
    const flows: Pick<Migration, 'links' | 'cap' | 'weight' | 'rate'>[] = traffic.map(
      ({ from, to }, stream) => ({
        links: route(from.vm % hostCount, to === 'outside' ? -1 : to.vm % hostCount),
        cap: demands[stream]!,
        weight: 1,
        rate: 0,
      }),
    );
    const moved: number[] = [];
    for (let vm = 0; vm < 2; vm++) {
      const target = (vm + 1 + random.integer(hostCount - 1)) % hostCount;
      if (target === vm || migrateVm(twin, vm, target) !== undefined) continue;
      moved.push(vm);
      flows.push({ links: route(vm, target), cap: 300 * mib, weight: 1, rate: 0 });
    }
    const links = [
      ...Array.from({ length: hostCount }, (_, host) => ({
        name: `port ${host}`,
        bandwidth: capacity.port * mib,
      })),
      ...[0, 1].map((rack) => ({ name: `uplink ${rack}`, bandwidth: capacity.uplink * mib })),
      { name: 'outside', bandwidth: capacity.outside * mib },
    ].map((link) => ({ ...link, latency: 0 }));
    shareLinks(
      { model: 'CM02', crosstraffic: false, links, routes: [] },
      flows.map((flow) => Object.assign(flow, { flowing: true })) as unknown as Migration[],
    );
    const { flowBytesPerS, vmMigration } = twin.state;
    flows.forEach((flow, at) => {
      const slot =
        at < traffic.length
          ? twin.model.migrationsMax + at
          : vmMigration[moved[at - traffic.length]!]!;
      rates.addRelative(flowBytesPerS[slot]!, flow.rate);
    });
  }
  return {
    model: 'Network, max-min fair',
    page: 'network-and-disk',
    referee: `plain filling of all links at once, ${cases} random loads of a star with racks`,
    error: `rates ${apart(rates.value)}`,
  };
}

function diskRow(): AccuracyRow {
  const random = new RandomStream(2, 'disk');
  const rates = new Worst();
  for (let index = 0; index < cases; index++) {
    const demands = Array.from({ length: 1 + random.integer(8) }, () => random.integer(120) * mib);
    const twin = smallTwin({
      hosts: [{}],
      vms: demands.map(() => ({ host: 0, vcpus: 1, demandMips: 0 })),
      disks: {
        bytesPerS: () => 150 * mib,
        demand: (vm) => ({ bytesPerS: demands[vm]! }),
      },
    });
    advance(twin, 0);
    const got = shares(
      demands.map((cap) => ({ cap, weight: 1 })),
      150 * mib,
    );
    const used = got.reduce((sum, rate) => sum + rate, 0);
    rates.add(twin.state.hostDiskBusy[0]! - used / (150 * mib));
    rates.addRelative(twin.state.hostDiskBytesPerS[0]!, used);
  }
  return {
    model: 'Disk shared by VMs',
    page: 'network-and-disk',
    referee: `plain filling of one disk, ${cases} random loads`,
    error: `rate and busy fraction ${apart(rates.value)}`,
  };
}
