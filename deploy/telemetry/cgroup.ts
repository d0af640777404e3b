/** Control groups of VMs, version 1 and 2: quotas, and how often they held a VM back. */
import { countOf, type Folder, foldersOf, integer, lineOf, readListing } from './listing.ts';
import { present } from './meminfo.ts';

export interface CgroupReading {
  /** Name of the VM as far as the group's name has it; systemd cuts long ones. */
  readonly domain: string;
  /** libvirt's number of this run of the VM: another one means that it was started anew. */
  readonly id?: number;
  /** `emulator`, `vcpu0`; absent for the whole VM. */
  readonly part?: string;
  /** CPU time, µs; version 2 only. */
  readonly usageUs?: number;
  readonly periods?: number;
  /** Periods in which the quota was used up. */
  readonly throttledPeriods?: number;
  /** Time that threads were held back, µs, summed over CPUs. */
  readonly throttledUs?: number;
  /** CPU quota in cores; absent when unlimited. */
  readonly quotaCores?: number;
  /** `cpu.weight` (version 2, 1 to 10,000) or `cpu.shares` (version 1, 2 to 262,144). */
  readonly weight?: number;
}

const leaves = [
  'cpu.stat',
  'cpu.max',
  'cpu.weight',
  'cpu.shares',
  'cpu.cfs_quota_us',
  'cpu.cfs_period_us',
];

/** Where libvirt puts its VMs, with systemd and without; `cpu*` is where version 1 is mounted. */
export const cgroupDirectories: readonly string[] = [
  '/sys/fs/cgroup',
  '/sys/fs/cgroup/cpu*',
].flatMap((mount) => [
  `${mount}/machine.slice/machine-qemu*.scope`,
  `${mount}/machine.slice/machine-qemu*.scope/libvirt`,
  `${mount}/machine.slice/machine-qemu*.scope/vcpu*`,
  `${mount}/machine.slice/machine-qemu*.scope/libvirt/vcpu*`,
  `${mount}/machine/qemu-*.libvirt-qemu`,
  `${mount}/machine/qemu-*.libvirt-qemu/vcpu*`,
]);

/** Patterns of the files that are read in each of those. */
export const cgroupFiles: readonly string[] = leaves;

/** Reads the listing; the same group under two names of one mount (`cpu`, `cpu,cpuacct`) counts once. */
export function readCgroups(text: string): CgroupReading[] {
  const groups = new Map<string, CgroupReading>();
  for (const folder of foldersOf(
    readListing(
      text,
      leaves.map((leaf) => leaf.replaceAll('.', '\\.')),
    ),
  )) {
    const reading = groupOf(folder);
    if (reading === undefined) continue;
    const key = `${reading.id}/${reading.domain}/${reading.part ?? ''}`;
    // Version 2 keeps the counters of the VM in its scope and the settings below `libvirt`.
    groups.set(key, { ...groups.get(key), ...reading });
  }
  return [...groups.values()];
}

function groupOf(folder: Folder): CgroupReading | undefined {
  const parts = folder.path.split('/');
  const at = parts.findIndex((part) => part === 'machine' || part === 'machine.slice');
  const scope = parts[at + 1];
  if (at < 0 || scope === undefined) return undefined;
  const name = unescapeUnit(scope)
    .replace(/^machine-/, '')
    .replace(/\.(?:scope|libvirt-qemu)$/, '');
  const [, id, domain] = /^qemu-(?:(\d+)-)?(.+)$/.exec(name) ?? [];
  if (domain === undefined) return undefined;
  const below = parts.slice(at + 2).filter((part) => part !== 'libvirt');
  const stat = new Map(
    (folder.files.get('cpu.stat') ?? []).map((line) => {
      const [key, value] = line.split(' ');
      return [key!, integer(value)];
    }),
  );
  const throttledNs = stat.get('throttled_time');
  return {
    domain,
    ...present({
      id: id === undefined ? undefined : Number(id),
      part: below.length === 0 ? undefined : below.join('/'),
      usageUs: stat.get('usage_usec'),
      periods: stat.get('nr_periods'),
      throttledPeriods: stat.get('nr_throttled'),
      throttledUs:
        stat.get('throttled_usec') ?? (throttledNs === undefined ? undefined : throttledNs / 1000),
      quotaCores: quotaOf(folder),
      weight: countOf(folder, 'cpu.weight') ?? countOf(folder, 'cpu.shares'),
    }),
  };
}

function quotaOf(folder: Folder): number | undefined {
  const [quota, period] = (
    lineOf(folder, 'cpu.max') ??
    `${lineOf(folder, 'cpu.cfs_quota_us')} ${lineOf(folder, 'cpu.cfs_period_us')}`
  ).split(' ');
  const [quotaUs, periodUs] = [integer(quota), integer(period)];
  if (quotaUs === undefined || periodUs === undefined || quotaUs < 0 || periodUs <= 0) {
    return undefined;
  }
  return quotaUs / periodUs;
}

/** systemd's `\x2d` → `-`; the bytes of one name together, as they may be one UTF-8 character. */
export function unescapeUnit(name: string): string {
  return name.replace(/(?:\\x[0-9a-f]{2})+/g, (bytes) =>
    Buffer.from(bytes.replaceAll('\\x', ''), 'hex').toString('utf8'),
  );
}
