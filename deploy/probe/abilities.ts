/** From facts about a host to what this user can do there, and what would take root. */
import type { Ability, HostCapabilities } from './capabilities.ts';

type Facts = Omit<HostCapabilities, 'abilities'>;

/** All abilities, reading first, in the same order for every host. */
export function abilitiesOf(facts: Facts): Ability[] {
  return [
    readFrequencies(facts),
    readEnergy(facts),
    readDomains(facts),
    setGovernor(facts),
    fixFrequency(facts),
    setPowerLimit(facts),
    setQuotas(facts),
    migrate(facts),
    suspend(facts),
  ];
}

const noPolicy = ({ isNested }: Facts): string =>
  isNested
    ? 'no actuator: the host is itself a virtual machine and shows no cpufreq'
    : 'no cpufreq driver; firmware may keep frequencies to itself';

/** `yes` if all files of a form can be written, `root` if they only exist, `no` without any. */
function writing(facts: Facts, pattern: RegExp): Ability['status'] {
  const files = Object.entries(facts.access).filter(([path]) => pattern.test(path));
  if (files.length === 0) return 'no';
  return files.every(([, { write }]) => write) ? 'yes' : 'root';
}

const caution = ({ isNested }: Facts): string =>
  isNested ? '; inside a virtual machine: measure whether it has any effect' : '';

function readFrequencies(facts: Facts): Ability {
  const { policies } = facts.cpufreq;
  return {
    name: 'CPU frequencies',
    kind: 'read',
    ...(policies.length === 0
      ? { status: 'no', how: noPolicy(facts) }
      : {
          status: 'yes',
          how: `${policies.length} policies of ${policies[0]!.driver ?? 'cpufreq'}`,
        }),
  };
}

function readEnergy({ energyZones, isNested }: Facts): Ability {
  const name = 'energy counters';
  if (energyZones.length === 0) {
    const how = isNested ? 'none: the host is itself a virtual machine' : 'no powercap zone';
    return { name, kind: 'read', status: 'no', how };
  }
  const labels = energyZones.map(({ label }) => label).join(', ');
  return energyZones.every(({ isReadable }) => isReadable)
    ? { name, kind: 'read', status: 'yes', how: labels }
    : {
        name,
        kind: 'read',
        status: 'root',
        how: `${labels}: energy_uj is for root alone since Linux 5.10; --sudo, or give a group the right`,
      };
}

function readDomains({ libvirt }: Facts): Ability {
  return libvirt.isReachable
    ? { name: 'VM statistics', kind: 'read', status: 'yes', how: `virsh -r -c ${libvirt.uri}` }
    : {
        name: 'VM statistics',
        kind: 'read',
        status: 'no',
        how: libvirt.problem ?? 'no connection to libvirt',
      };
}

function setGovernor(facts: Facts): Ability {
  const status = writing(facts, /\/scaling_governor$/);
  const governors = [...new Set(facts.cpufreq.policies.flatMap((policy) => policy.governors))];
  const how = status === 'no' ? noPolicy(facts) : `${governors.join(', ')}${caution(facts)}`;
  return { name: 'governor', kind: 'act', status, how };
}

function fixFrequency(facts: Facts): Ability {
  const { policies } = facts.cpufreq;
  const status = writing(facts, /\/scaling_(?:min|max)_freq$/);
  if (status === 'no') return { name: 'frequency', kind: 'act', status, how: noPolicy(facts) };
  const hasUserspace = policies.every(({ governors }) => governors.includes('userspace'));
  const how = hasUserspace
    ? 'scaling_setspeed under the userspace governor'
    : 'equal scaling_min_freq and scaling_max_freq; the driver has no userspace governor';
  return { name: 'frequency', kind: 'act', status, how: `${how}${caution(facts)}` };
}

function setPowerLimit(facts: Facts): Ability {
  const status = writing(facts, /\/constraint_0_power_limit_uw$/);
  const how = status === 'no' ? 'no powercap constraint' : 'constraint_0_power_limit_uw';
  return { name: 'power limit', kind: 'act', status, how };
}

/** Whether libvirt's socket for reading and writing is open to this user. */
function libvirtStatus(facts: Facts): Ability['status'] {
  if (!facts.libvirt.isReachable) return 'no';
  if (!facts.libvirt.uri.endsWith('/system')) return 'yes';
  const status = writing(facts, /\/(?:libvirt|virtqemud)-sock$/);
  return status === 'no' ? 'root' : status;
}

function setQuotas(facts: Facts): Ability {
  const status = libvirtStatus(facts);
  const isSession = facts.libvirt.uri.endsWith('/session');
  const name = 'VM CPU quotas';
  if (status !== 'no' && isSession) {
    return { name, kind: 'act', status: 'no', how: 'libvirt tunes no CPU in session mode' };
  }
  const how =
    status === 'no'
      ? 'no connection to libvirt'
      : `virsh schedinfo on cgroup ${facts.cgroup.version ?? 'of unknown version'}`;
  return { name, kind: 'act', status, how };
}

function migrate(facts: Facts): Ability {
  const status = libvirtStatus(facts);
  const how =
    status === 'no'
      ? 'no connection to libvirt'
      : 'virsh migrate; the other host must allow it too';
  return { name: 'live migration', kind: 'act', status, how };
}

function suspend(facts: Facts): Ability {
  const name = 'host sleep';
  const no = (how: string): Ability => ({ name, kind: 'act', status: 'no', how });
  if (facts.isNested) return no('the host is itself a virtual machine');
  if (!facts.sleepStates.includes('mem')) return no('the kernel cannot suspend to memory');
  return {
    name,
    kind: 'act',
    status: writing(facts, /^\/sys\/power\/state$/),
    how: 'suspend to memory',
  };
}
