/** Asks a host what it is: one script, one typed answer. */
import { printable } from '../operation-error.ts';
import { lastLine } from '../ssh/failure.ts';
import type { RemoteAnswer, Transport } from '../ssh/transport.ts';
import { readDomstats } from '../telemetry/domstats.ts';
import {
  count,
  countOf,
  cpuList,
  type Folder,
  foldersOf,
  lineOf,
  readListing,
} from '../telemetry/listing.ts';
import { present, readMeminfo } from '../telemetry/meminfo.ts';
import { labelZones, readPowercap } from '../telemetry/powercap.ts';
import { abilitiesOf } from './abilities.ts';
import type {
  HostCapabilities,
  IdleState,
  PolicyCapability,
  ZoneCapability,
} from './capabilities.ts';
import { probeSections } from './sections.ts';

export interface ProbeOptions {
  /** libvirt's connection URI on the host. */
  readonly virshUri: string;
  /** Also try whether `sudo -n` works; a host may log that. */
  readonly sudo: boolean;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** @throws OperationError when the host cannot be asked. */
export async function probeHost(
  host: string,
  transport: Transport,
  { virshUri, sudo, ...limits }: ProbeOptions,
): Promise<HostCapabilities> {
  const answer = await transport.run(host, probeSections(virshUri, sudo), limits);
  return readProbe(host, answer, virshUri);
}

/** The answer of `probeSections`. What a host does not say is absent. */
export function readProbe(host: string, answer: RemoteAnswer, virshUri: string): HostCapabilities {
  const text = (name: string): string => answer.sections.get(name)?.text ?? '';
  const status = (name: string): number | undefined => answer.sections.get(name)?.status;
  const identity = keyValues(text('identity'));
  const access = readAccess(text('access'));
  const sudoStatus = status('sudo');
  const facts = {
    host,
    observedAtMs: answer.receivedAtMs,
    ...present({
      kernel: identity.get('kernel'),
      os: identity.get('os')?.replaceAll('"', ''),
      machine: identity.get('machine'),
      cpuModel: identity.get('model'),
      product: productOf(identity),
      hasPasswordlessSudo: sudoStatus === 2 ? undefined : sudoStatus === 0,
      memoryBytes: readMeminfo(text('memory'))?.totalBytes,
    }),
    isNested: identity.get('nested') === 'yes',
    sleepStates: identity.get('sleep')?.split(' ') ?? [],
    user: {
      ...present({ name: identity.get('user'), uid: count(identity.get('uid')) }),
      groups: identity.get('groups')?.split(' ') ?? [],
    },
    topology: readTopology(text('topology')),
    cpufreq: readPolicies(text('cpufreq')),
    cpuidle: readCpuidle(text('cpuidle')),
    energyZones: readZones(text('powercap'), access),
    cgroup: readCgroupVersion(keyValues(text('cgroup'))),
    libvirt: readLibvirt(virshUri, status('libvirt'), text('libvirt')),
    ...(status('domains') === 0 ? { domains: readDomains(text('domains')) } : {}),
    access,
  };
  return { ...facts, abilities: abilitiesOf(facts) };
}

/** `KEY=VALUE` lines; the first of a key counts. */
function keyValues(text: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, key, value] = /^([\w.]+)=(.+)$/.exec(line) ?? [];
    if (key !== undefined && !values.has(key)) values.set(key, value!.trim());
  }
  return values;
}

function productOf(identity: ReadonlyMap<string, string>): string | undefined {
  const parts = [identity.get('sys_vendor'), identity.get('product_name')];
  return parts.filter((part) => part !== undefined).join(' ') || undefined;
}

function readAccess(text: string): HostCapabilities['access'] {
  const entries = text.split('\n').flatMap((line) => {
    const [, path, mode] = /^(\/\S+) -(r?w?)$/.exec(line) ?? [];
    if (path === undefined || mode === undefined) return [];
    return [[path, { read: mode.includes('r'), write: mode.includes('w') }] as const];
  });
  return Object.fromEntries(entries);
}

function readTopology(text: string): HostCapabilities['topology'] {
  const folders = foldersOf(
    readListing(text, ['online', 'active', 'physical_package_id', 'core_id']),
  );
  const folder = (path: string): Folder | undefined => folders.find((one) => one.path === path);
  const list = (path: string): number | undefined => {
    const found = folder(path);
    return found === undefined ? undefined : cpuList(lineOf(found, 'online'))?.length;
  };
  const cpus = folders.filter(({ name }) => name === 'topology');
  const packages = new Set(cpus.map((cpu) => lineOf(cpu, 'physical_package_id')));
  const cores = new Set(
    cpus.map((cpu) => `${lineOf(cpu, 'physical_package_id')}/${lineOf(cpu, 'core_id')}`),
  );
  const smt = folder('/sys/devices/system/cpu/smt');
  return present({
    onlineCpus: list('/sys/devices/system/cpu'),
    sockets: packages.size || undefined,
    cores: cores.size || undefined,
    hasSmt: smt === undefined ? undefined : lineOf(smt, 'active') === '1',
    numaNodes: list('/sys/devices/system/node'),
  });
}

const policyFiles = [
  'affected_cpus',
  'scaling_\\w+',
  'cpuinfo_\\w+',
  'base_frequency',
  'energy_performance_preference',
  'boost',
  'status',
  'no_turbo',
];
/** The kernel's word for a transition latency that is not known: all 32 bits set, ns. */
const unknownLatencyNs = 4_294_967_295;

function readPolicies(text: string): HostCapabilities['cpufreq'] {
  const folders = foldersOf(readListing(text, policyFiles));
  const folder = (name: string): Folder | undefined => folders.find((one) => one.name === name);
  const line = (name: string, file: string): string | undefined => {
    const found = folder(name);
    return found === undefined ? undefined : lineOf(found, file);
  };
  const noTurbo = line('intel_pstate', 'no_turbo');
  const boost = line('cpufreq', 'boost');
  const boosting = noTurbo === undefined ? boost === '1' : noTurbo === '0';
  return {
    policies: folders.flatMap(policyOf).sort((a, b) => a.policy - b.policy),
    ...present({
      isBoostOn: noTurbo === undefined && boost === undefined ? undefined : boosting,
      intelPstate: line('intel_pstate', 'status'),
      amdPstate: line('amd_pstate', 'status'),
    }),
  };
}

function policyOf(folder: Folder): PolicyCapability[] {
  const policy = /^policy(\d+)$/.exec(folder.name)?.[1];
  if (policy === undefined) return [];
  const words = (file: string): string[] => lineOf(folder, file)?.split(/\s+/) ?? [];
  const mhz = (file: string): number | undefined => {
    const khz = countOf(folder, file);
    return khz === undefined ? undefined : khz / 1000;
  };
  const available = words('scaling_available_frequencies').flatMap((khz) => {
    const value = count(khz);
    return value === undefined ? [] : [value / 1000];
  });
  const latency = countOf(folder, 'cpuinfo_transition_latency');
  return [
    {
      policy: Number(policy),
      cpus: cpuList(lineOf(folder, 'affected_cpus')) ?? [],
      governors: words('scaling_available_governors'),
      ...present({
        driver: lineOf(folder, 'scaling_driver'),
        governor: lineOf(folder, 'scaling_governor'),
        availableMhz: available.length === 0 ? undefined : available.sort((a, b) => a - b),
        hardwareMinMhz: mhz('cpuinfo_min_freq'),
        hardwareMaxMhz: mhz('cpuinfo_max_freq'),
        limitMinMhz: mhz('scaling_min_freq'),
        limitMaxMhz: mhz('scaling_max_freq'),
        baseMhz: mhz('base_frequency'),
        transitionLatencyNs: latency === unknownLatencyNs ? undefined : latency,
        energyPreference: lineOf(folder, 'energy_performance_preference'),
      }),
    },
  ];
}

function readCpuidle(text: string): HostCapabilities['cpuidle'] {
  const folders = foldersOf(
    readListing(text, ['current_\\w+', 'name', 'latency', 'residency', 'disable']),
  );
  const global = folders.find(({ name }) => name === 'cpuidle');
  return {
    ...(global === undefined
      ? {}
      : present({
          driver: lineOf(global, 'current_driver'),
          governor: lineOf(global, 'current_governor'),
        })),
    states: folders
      .flatMap((folder): IdleState[] => {
        const state = /^state(\d+)$/.exec(folder.name)?.[1];
        const name = lineOf(folder, 'name');
        if (state === undefined || name === undefined) return [];
        const times = {
          exitLatencyUs: countOf(folder, 'latency'),
          targetResidencyUs: countOf(folder, 'residency'),
        };
        const isDisabled = lineOf(folder, 'disable') === '1';
        return [{ state: Number(state), name, isDisabled, ...present(times) }];
      })
      .sort((a, b) => a.state - b.state),
  };
}

function readZones(text: string, access: HostCapabilities['access']): ZoneCapability[] {
  const zones = readPowercap(text);
  const labels = labelZones(zones);
  return zones.map(({ zone, name, rangeUj, designPowerW }) => ({
    zone,
    name,
    label: labels.get(zone) ?? name,
    isReadable: access[`/sys/class/powercap/${zone}/energy_uj`]?.read ?? false,
    ...present({ rangeUj, designPowerW }),
  }));
}

function readCgroupVersion(values: ReadonlyMap<string, string>): HostCapabilities['cgroup'] {
  const controllers = values.get('controllers')?.split(' ');
  const hasCpu1 = values.get('cpu1') === 'yes';
  if (values.get('type') === 'cgroup2fs') {
    const version = hasCpu1 ? ('hybrid' as const) : (2 as const);
    return { version, ...present({ controllers }) };
  }
  return hasCpu1 ? { version: 1 } : {};
}

function readLibvirt(
  uri: string,
  status: number | undefined,
  text: string,
): HostCapabilities['libvirt'] {
  if (status !== 0) {
    const said = printable(lastLine(text).replace(/^error: /, ''));
    const problem = status === 127 ? 'no virsh on the host' : said || 'virsh failed';
    return { uri, isReachable: false, problem };
  }
  const found = (pattern: RegExp): string | undefined => pattern.exec(text)?.[1]?.trim();
  return {
    uri,
    isReachable: true,
    ...present({
      library: found(/^Using library: libvirt (.+)$/m),
      hypervisor: found(/^Running hypervisor: (.+)$/m),
    }),
  };
}

function readDomains(text: string): NonNullable<HostCapabilities['domains']> {
  return readDomstats(text).domains.map(({ name, state, vcpusCurrent, balloon }) => ({
    name,
    ...present({ state, vcpus: vcpusCurrent, memoryBytes: balloon.currentBytes }),
  }));
}
