/** What a probe found, as text for people. Everything a host said is made printable. */
import { type Ability, type HostCapabilities, printable } from '../../deploy/index.ts';

const signOf = { yes: 'yes', root: 'root', no: 'no' } as const satisfies Record<
  Ability['status'],
  string
>;

/** A block of lines for one host. */
export function capabilityTable(found: HostCapabilities): string {
  const facts: (readonly [string, string])[] = [
    ['system', joined(found.os, found.kernel === undefined ? undefined : `Linux ${found.kernel}`)],
    ['machine', joined(found.product, found.isNested ? 'itself a virtual machine' : undefined)],
    ['CPU', joined(found.cpuModel, topology(found))],
    ['memory', gibibytes(found.memoryBytes)],
    ['cpufreq', cpufreq(found)],
    ['idle states', idleStates(found)],
    ['energy', found.energyZones.map(({ zone, label }) => `${label} (${zone})`).join(', ')],
    ['cgroup', found.cgroup.version === undefined ? '' : `version ${found.cgroup.version}`],
    ['libvirt', libvirt(found)],
    ['VMs', domains(found)],
    ['user', user(found)],
  ];
  const rows = [
    ...facts.map(([name, value]) => `  ${name.padEnd(16)}${value === '' ? '-' : printable(value)}`),
    '',
    '  this user may',
    ...found.abilities.map(
      ({ name, kind, status, how }) =>
        `  ${signOf[status].padEnd(6)}${`${kind === 'read' ? 'read' : 'set'} ${name}`.padEnd(24)}${printable(how)}`,
    ),
  ];
  return `${found.host}\n${rows.join('\n')}\n`;
}

const joined = (...parts: readonly (string | undefined)[]): string =>
  parts.filter((part) => part !== undefined && part !== '').join(', ');

const counted = (count: number | undefined, noun: string): string | undefined =>
  count === undefined ? undefined : `${count} ${noun}${count === 1 ? '' : 's'}`;

const gibibytes = (bytes: number | undefined): string =>
  bytes === undefined ? '' : `${(bytes / 1024 ** 3).toFixed(1)} GiB`;

function topology({ topology: found }: HostCapabilities): string {
  const { onlineCpus, sockets, cores, numaNodes, hasSmt } = found;
  return joined(
    counted(onlineCpus, 'CPU'),
    counted(cores, 'core'),
    counted(sockets, 'socket'),
    counted(numaNodes, 'NUMA node'),
    hasSmt === undefined ? undefined : `SMT ${hasSmt ? 'on' : 'off'}`,
  );
}

function cpufreq({
  cpufreq: { policies, isBoostOn, intelPstate, amdPstate },
}: HostCapabilities): string {
  const [first] = policies;
  if (first === undefined) return '';
  const range =
    first.hardwareMinMhz === undefined || first.hardwareMaxMhz === undefined
      ? undefined
      : `${first.hardwareMinMhz} to ${first.hardwareMaxMhz} MHz`;
  return joined(
    first.driver,
    intelPstate ?? amdPstate,
    `${policies.length} policies`,
    range,
    first.availableMhz === undefined ? undefined : `${first.availableMhz.length} steps`,
    first.governor === undefined ? undefined : `governor ${first.governor}`,
    isBoostOn === undefined ? undefined : `boost ${isBoostOn ? 'on' : 'off'}`,
  );
}

function idleStates({ cpuidle }: HostCapabilities): string {
  const states = cpuidle.states.map(({ name, exitLatencyUs, isDisabled }) => {
    const latency = exitLatencyUs === undefined ? '' : ` ${exitLatencyUs} us`;
    return `${name}${latency}${isDisabled ? ' (off)' : ''}`;
  });
  return joined(cpuidle.driver, cpuidle.governor, states.join(' '));
}

function libvirt({ libvirt: found }: HostCapabilities): string {
  if (!found.isReachable) return `${found.uri}: ${found.problem ?? 'not reachable'}`;
  return joined(found.uri, found.library, found.hypervisor);
}

function domains({ domains: found }: HostCapabilities): string {
  if (found === undefined) return '';
  const running = found.filter(({ state }) => state === 'running');
  const names = found.slice(0, 8).map(({ name }) => name);
  const rest = found.length > names.length ? ` and ${found.length - names.length} more` : '';
  return found.length === 0
    ? 'none'
    : `${running.length} of ${found.length} run: ${names.join(' ')}${rest}`;
}

function user({ user: { name, groups }, hasPasswordlessSudo }: HostCapabilities): string {
  const sudo =
    hasPasswordlessSudo === undefined
      ? undefined
      : `sudo ${hasPasswordlessSudo ? 'without a password' : 'needs a password'}`;
  return joined(name, groups.length === 0 ? undefined : `groups ${groups.join(' ')}`, sudo);
}
