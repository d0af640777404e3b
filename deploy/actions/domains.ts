/** All VMs of a host as its libvirt has them, and the memory there: one round trip. */
import { OperationError } from '../operation-error.ts';
import type { ScriptSection, SectionOutput } from '../ssh/frames.ts';
import { domstatsValues, indices } from '../telemetry/domstats.ts';
import { count } from '../telemetry/listing.ts';
import { type MemoryReading, readMeminfo } from '../telemetry/meminfo.ts';
import type { OperationLimits } from './executor.ts';
import { type JobInfo, readJobInfo } from './job-info.ts';
import { textOf } from './said.ts';
import type { Site } from './site.ts';
import { checkVmName, quoted } from './vm-name.ts';

/** libvirt's virDomainState. */
const stateNames = [
  'in no state',
  'running',
  'blocked',
  'paused',
  'shutting down',
  'shut off',
  'crashed',
  'suspended',
] as const;

export interface Disk {
  readonly device: string;
  readonly path: string;
  /** As the guest sees it. */
  readonly capacityBytes?: number;
}

export interface Domain {
  readonly name: string;
  readonly state: (typeof stateNames)[number];
  /** Why it is in that state, as libvirt's number. */
  readonly reason: number;
  /** It has a process: running, paused, on its way. */
  readonly isActive: boolean;
  readonly isRunning: boolean;
  /** It stays defined when it is off. */
  readonly isPersistent: boolean;
  readonly currentBytes: number;
  readonly maximumBytes: number;
  /** What the guest could do without; absent when it does not tell. */
  readonly usableBytes?: number;
  readonly vcpus: number;
  readonly vcpusMaximum: number;
  readonly disks: readonly Disk[];
}

export interface HostDomains {
  readonly host: string;
  readonly domains: readonly Domain[];
  readonly memory?: MemoryReading;
  /** What libvirt is doing with the VM that was asked for. */
  readonly job?: JobInfo;
  /** All that was printed. */
  readonly sections: ReadonlyMap<string, SectionOutput>;
}

function sectionsOf(site: Site, vm: string | undefined): ScriptSection[] {
  const stats = ['--raw', '--nowait', '--state', '--vcpu', '--balloon', '--block'];
  return [
    { name: 'domains', commands: site.virshRead('domstats', ...stats) },
    { name: 'persistent', commands: site.virshRead('list', '--all', '--persistent', '--name') },
    { name: 'memory', commands: 'cat /proc/meminfo' },
    ...(vm === undefined
      ? []
      : [{ name: 'job', commands: site.virshRead('domjobinfo', '--domain', vm) }]),
  ];
}

/**
 * Reads a host.
 *
 * @param vm Also what is being done to this VM.
 */
export async function readDomains(
  site: Site,
  host: string,
  limits: OperationLimits,
  vm?: string,
  extra: readonly ScriptSection[] = [],
): Promise<HostDomains> {
  if (vm !== undefined) checkVmName(host, vm);
  const { sections } = await site.ask(host, [...sectionsOf(site, vm), ...extra], limits);
  const persistent = new Set(
    textOf(host, sections, 'persistent', 'listing VMs')
      .split('\n')
      .filter((name) => name !== ''),
  );
  const { domains } = domstatsValues(textOf(host, sections, 'domains', 'reading VMs'));
  const memory = readMeminfo(sections.get('memory')?.text ?? '');
  const job = sections.get('job');
  return {
    host,
    domains: [...domains].map(([name, values]) => domainOf(name, values, persistent.has(name))),
    ...(memory === undefined ? {} : { memory }),
    // A VM that is not there has no job, which virsh reports as a failure.
    ...(job === undefined || job.status !== 0 ? {} : { job: readJobInfo(job.text) }),
    sections,
  };
}

function domainOf(
  name: string,
  values: ReadonlyMap<string, string>,
  isPersistent: boolean,
): Domain {
  const number = (key: string): number | undefined => count(values.get(key));
  const kib = (key: string): number => (number(key) ?? 0) * 1024;
  const usable = number('balloon.usable');
  const state = stateNames[number('state.state') ?? 0] ?? 'in no state';
  return {
    name,
    state,
    reason: number('state.reason') ?? 0,
    isActive: state !== 'shut off' && state !== 'crashed' && state !== 'in no state',
    isRunning: state === 'running' || state === 'blocked',
    isPersistent,
    currentBytes: kib('balloon.current'),
    maximumBytes: kib('balloon.maximum'),
    ...(usable === undefined ? {} : { usableBytes: usable * 1024 }),
    vcpus: number('vcpu.current') ?? 0,
    vcpusMaximum: number('vcpu.maximum') ?? 0,
    disks: indices(values, /^block\.(\d+)\.name$/).flatMap((index) => {
      const path = values.get(`block.${index}.path`);
      const capacityBytes = number(`block.${index}.capacity`);
      if (path === undefined) return [];
      const device = values.get(`block.${index}.name`)!;
      return [{ device, path, ...(capacityBytes === undefined ? {} : { capacityBytes }) }];
    }),
  };
}

export function absent(host: string, vm: string, what: string): OperationError {
  return new OperationError('ERR_VM_ABSENT', host, `${host}: VM ${quoted(vm)} ${what}`);
}

/** @throws OperationError `ERR_VM_ABSENT` when the host does not know the VM. */
export function domainNamed({ host, domains }: HostDomains, vm: string): Domain {
  const domain = domains.find(({ name }) => name === vm);
  if (domain === undefined) throw absent(host, vm, 'is not there');
  return domain;
}

/** @throws OperationError unless the VM runs on the host and nothing is being done to it. */
export function runningDomain(reading: HostDomains, vm: string): Domain {
  const domain = domainNamed(reading, vm);
  if (!domain.isRunning)
    throw absent(reading.host, vm, `does not run there: it is ${domain.state}`);
  if (reading.job?.isActive === true) throw busy(reading.host, vm, reading.job);
  return domain;
}

export function busy(host: string, vm: string, job: JobInfo): OperationError {
  const what = job.operation ?? 'a job';
  return new OperationError(
    'ERR_BUSY',
    host,
    `${host}: VM ${quoted(vm)} is busy: ${what} is under way`,
  );
}

/** Memory for VMs that no active VM has, bytes; `undefined` when the host does not tell. */
export function freeMemory(site: Site, reading: HostDomains): number | undefined {
  const total = site.host(reading.host).memory ?? reading.memory?.totalBytes;
  if (total === undefined) return undefined;
  return reading.domains
    .filter(({ isActive }) => isActive)
    .reduce((left, { currentBytes }) => left - currentBytes, total);
}
