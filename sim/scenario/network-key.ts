/** The `network` and `disk` keys of a scenario: their schemas, and what they make of a model. */
import { z } from 'zod';
import type { Issue } from '../errors.ts';
import type { DiskSpec } from '../flows/disk-spec.ts';
import type { StarNetwork } from '../flows/network-spec.ts';
import type { TrafficEnd, TrafficSpec } from '../flows/traffic-spec.ts';
import type { Workload } from '../workload.ts';
import { quantity } from './quantity-field.ts';

/** Ports, racks and the traffic of VMs. */
export const networkKey = z.strictObject({
  port: quantity('rate').default(125e6).describe('port of each host, both directions together'),
  duplex: z
    .boolean()
    .optional()
    .describe('each direction of a port and uplink has all of it; default: they share it'),
  racks: z
    .strictObject({
      hosts: z.int().min(1).describe('hosts of each rack, in the order of the hosts'),
      uplink: quantity('rate').describe('link from a rack to the core'),
      core: quantity('rate').optional().describe('all between racks together; default: no limit'),
    })
    .optional()
    .describe('switches above the hosts; default: one for all'),
  outside: quantity('rate').optional().describe('link out of the cluster; default: no limit'),
  traffic: z
    .array(
      z.strictObject({
        from: z.string().describe('name of a VM, or `outside`'),
        to: z.string().describe('name of a VM, or `outside`'),
        rate: quantity('rate').describe('most it takes'),
        size: quantity('size').optional().describe('to send, then it is over; default: endless'),
        start: quantity('duration').optional().describe('when it begins; default: 0'),
      }),
    )
    .optional()
    .describe('streams of bytes between VMs, beside migrations'),
});

/** Disks of hosts, shared by VMs. */
export const diskKey = z.strictObject({
  rate: quantity('rate').describe('rate of the disk of each host'),
  demand: quantity('rate').optional().describe('of each VM, whatever it does; default: 0'),
  perMips: quantity('rate')
    .optional()
    .describe('of each VM for each MIPS that it asks for; default: 0'),
  limit: quantity('rate').optional().describe('throttle of each VM; default: none'),
  requests: z.number().positive().optional().describe('throttle of each VM, requests/s'),
  requestSize: quantity('size').optional().describe('size of a request; default: 64 KiB'),
});

type NetworkKey = z.output<typeof networkKey>;
type DiskKey = z.output<typeof diskKey>;

/** The network, and its traffic where there is some. @param issues Receives unknown VMs. */
export function networkOf(
  key: NetworkKey,
  workload: Workload,
  path: string,
  issues: Issue[],
): { network: StarNetwork; traffic?: TrafficSpec[] } {
  const { port, duplex, racks, outside, traffic } = key;
  const network: StarNetwork = {
    type: 'star',
    portBytesPerS: port,
    ...(duplex === undefined ? {} : { duplex }),
    ...(racks === undefined
      ? {}
      : {
          racks: {
            rackOf: (host) => Math.floor(host / racks.hosts),
            uplinkBytesPerS: racks.uplink,
            ...(racks.core === undefined ? {} : { coreBytesPerS: racks.core }),
          },
        }),
    ...(outside === undefined ? {} : { outsideBytesPerS: outside }),
  };
  checkLinks(key, path, issues);
  if (traffic === undefined) return { network };
  const index = new Map(workload.vmNames.map((name, vm) => [name, vm]));
  const endOf = (name: string, at: string): TrafficEnd => {
    if (name === 'outside') return 'outside';
    const vm = index.get(name);
    if (vm !== undefined) return { vm };
    issues.push({ path: at, expected: 'a VM of the workload, or outside', got: `"${name}"` });
    return 'outside';
  };
  return {
    network,
    traffic: traffic.map(({ from, to, rate, size, start }, stream) => ({
      from: endOf(from, `${path}: network.traffic[${stream}].from`),
      to: endOf(to, `${path}: network.traffic[${stream}].to`),
      bytesPerS: rate,
      ...(size === undefined ? {} : { bytes: size }),
      ...(start === undefined ? {} : { startMs: start }),
    })),
  };
}

function checkLinks({ port, racks, outside }: NetworkKey, path: string, issues: Issue[]): void {
  const rates = { port, 'racks.uplink': racks?.uplink, 'racks.core': racks?.core, outside };
  for (const [name, rate] of Object.entries(rates)) {
    if (rate === undefined || rate > 0) continue;
    issues.push({ path: `${path}: network.${name}`, expected: 'a rate above 0', got: `${rate}` });
  }
}

/** The disks; nothing where the scenario has none. */
export function disksOf(
  key: DiskKey | undefined,
  path: string,
  issues: Issue[],
): { disks?: DiskSpec } {
  if (key === undefined) return {};
  if (key.rate <= 0) {
    issues.push({ path: `${path}: disk.rate`, expected: 'a rate above 0', got: `${key.rate}` });
  }
  const demand = {
    bytesPerS: key.demand ?? 0,
    bytesPerMi: key.perMips ?? 0,
    ...(key.limit === undefined ? {} : { limitBytesPerS: key.limit }),
    ...(key.requests === undefined ? {} : { limitRequestsPerS: key.requests }),
    ...(key.requestSize === undefined ? {} : { requestBytes: key.requestSize }),
  };
  return { disks: { bytesPerS: () => key.rate, demand: () => demand } };
}
