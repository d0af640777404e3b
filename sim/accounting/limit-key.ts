/** The key `accounting.limits` of a scenario: who may draw how much. */
import { z } from 'zod';
import type { Issue } from '../errors.ts';
import type { DiskSpec } from '../flows/disk-spec.ts';
import type { HostSpec } from '../hosts/host-spec.ts';
import { quantity } from '../scenario/quantity-field.ts';
import { hostLimitMeans, type PowerLimitSpec } from './limit-spec.ts';

const powers = z.record(z.string(), quantity('power')).default({});

export const limitKey = z.strictObject({
  vms: powers.describe('on the CPU of a VM by its name: its share of idle power and its work'),
  disks: powers.describe('on what the disk requests of a VM by its name add to the power of disks'),
  hosts: powers.describe('on a whole host by its name'),
  by: z
    .enum(hostLimitMeans)
    .default('vms')
    .describe('how hosts keep their limits: by the CPU time of their VMs, by their P-states'),
  every: quantity('duration')
    .default(100)
    .describe('time between looks of the CPU loop; for a run of days take 10 s'),
  diskEvery: quantity('duration').default(200).describe('of the disk loop; a multiple of it'),
  diskPower: quantity('power')
    .optional()
    .describe('of a busy disk beyond idle, on hosts that are not described by parts'),
});

export type LimitKey = z.output<typeof limitKey>;

/** What the limits are about. */
export interface LimitContext {
  readonly vmNames: readonly string[];
  readonly hosts: readonly HostSpec[];
  readonly disks?: DiskSpec;
  readonly requestBytes?: number;
}

/**
 * The limits of the model.
 *
 * @param path Where the key stands, for messages.
 * @param issues Receives unknown names, periods that do not fit, disks that nobody models.
 */
export function limitsOf(
  key: LimitKey,
  { vmNames, hosts, disks, requestBytes }: LimitContext,
  path: string,
  issues: Issue[],
): PowerLimitSpec {
  checkPeriods(key, path, issues);
  const hostNames = hosts.map(({ name }) => name);
  const column = (
    names: readonly string[],
    limits: Readonly<Record<string, number>>,
    part: string,
    expected: string,
  ): Float64Array => {
    for (const name of Object.keys(limits)) {
      if (names.includes(name)) continue;
      issues.push({ path: `${path}.${part}`, expected, got: `"${name}"` });
    }
    return Float64Array.from(names, (name) =>
      Object.hasOwn(limits, name) ? limits[name]! : Infinity,
    );
  };
  const diskJoulesPerByte = joulesPerByte(key, hosts, disks);
  if (Object.keys(key.disks).length > 0 && diskJoulesPerByte.length === 0) {
    issues.push({
      path: `${path}.disks`,
      expected: 'the key disk, and diskPower where hosts are not described by parts',
      got: disks === undefined ? 'no disks' : 'no power of disks',
    });
  }
  return {
    vmCpuW: column(vmNames, key.vms, 'vms', 'a VM of the workload'),
    vmDiskW: column(vmNames, key.disks, 'disks', 'a VM of the workload'),
    hostW: column(hostNames, key.hosts, 'hosts', 'a host of the scenario'),
    means: key.by,
    everyMs: key.every,
    diskEveryMs: key.diskEvery,
    diskJoulesPerByte,
    requestBytes: requestBytes ?? 65_536,
  };
}

function checkPeriods({ every, diskEvery }: LimitKey, path: string, issues: Issue[]): void {
  if (!(every >= 1)) {
    issues.push({ path: `${path}.every`, expected: 'at least 1 ms', got: `${every} ms` });
  } else if (diskEvery < every || diskEvery % every !== 0) {
    issues.push({
      path: `${path}.diskEvery`,
      expected: `a multiple of every (${every} ms)`,
      got: `${diskEvery} ms`,
    });
  }
}

/** Energy of disks per byte; empty unless every host's is known. */
function joulesPerByte(
  { diskPower }: LimitKey,
  hosts: readonly HostSpec[],
  disks: DiskSpec | undefined,
): Float64Array {
  if (disks === undefined) return new Float64Array(0);
  const perByte: number[] = [];
  hosts.forEach(({ component }, host) => {
    const busyW =
      component === undefined
        ? diskPower
        : component.disk.count * (component.disk.activeW - component.disk.idleW);
    if (busyW !== undefined) perByte.push(busyW / disks.bytesPerS(host));
  });
  return Float64Array.from(perByte.length === hosts.length ? perByte : []);
}
