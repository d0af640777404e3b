/** The remote script of a probe. Like all scripts of `deploy/` that observe, it changes nothing. */
import type { ScriptSection } from '../ssh/frames.ts';
import { listFiles } from '../telemetry/listing.ts';
import { virshCommand } from '../telemetry/reading.ts';

const cpu = '/sys/devices/system/cpu';
const policies = `${cpu}/cpufreq/policy*`;

/** Files whose permissions decide what this user could do. */
const interesting: readonly string[] = [
  `${policies}/scaling_governor`,
  `${policies}/scaling_min_freq`,
  `${policies}/scaling_max_freq`,
  `${policies}/scaling_setspeed`,
  `${cpu}/cpufreq/boost`,
  `${cpu}/intel_pstate/no_turbo`,
  '/sys/class/powercap/*/energy_uj',
  '/sys/class/powercap/*/constraint_0_power_limit_uw',
  '/sys/power/state',
  '/dev/kvm',
  '/run/libvirt/libvirt-sock',
  '/run/libvirt/virtqemud-sock',
  '/var/run/libvirt/libvirt-sock',
];

/** `KEY=VALUE` lines about machine and user. */
const identity = `
echo "kernel=$(uname -r)"
echo "machine=$(uname -m)"
echo "uid=$(id -u)"
echo "user=$(id -un)"
echo "groups=$(id -Gn)"
for tool in virsh timeout sudo; do command -v "$tool" >/dev/null && echo "tool.$tool=yes"; done
sed -n 's/^PRETTY_NAME=/os=/p' /etc/os-release
sed -n 's/^model name[[:space:]]*: /model=/p' /proc/cpuinfo | head -n 1
grep -qw hypervisor /proc/cpuinfo && echo nested=yes
read -r V </sys/power/state && echo "sleep=$V"
for name in sys_vendor product_name; do read -r V </sys/class/dmi/id/$name && echo "$name=$V"; done
:`;

/** `PATH MODE` lines, MODE of the letters r and w as far as this user may. */
const access = `
for f in ${interesting.join(' ')}; do
  [ -e "$f" ] || continue
  m=-; [ -r "$f" ] && m=\${m}r; [ -w "$f" ] && m=\${m}w
  echo "$f $m"
done`;

/** The script, for a libvirt connection URI; `sudo` also tries whether sudo works without a password. */
export function probeSections(virshUri: string, sudo: boolean): ScriptSection[] {
  return [
    { name: 'identity', commands: identity },
    {
      name: 'topology',
      commands: listFiles(
        `${cpu}/online`,
        `${cpu}/smt/active`,
        `${cpu}/cpu*/topology/physical_package_id`,
        `${cpu}/cpu*/topology/core_id`,
        '/sys/devices/system/node/online',
      ),
    },
    { name: 'memory', commands: 'cat /proc/meminfo' },
    {
      name: 'cpufreq',
      commands: listFiles(
        ...[
          'affected_cpus',
          'scaling_driver',
          'scaling_governor',
          'scaling_available_governors',
          'scaling_available_frequencies',
          'cpuinfo_min_freq',
          'cpuinfo_max_freq',
          'scaling_min_freq',
          'scaling_max_freq',
          'cpuinfo_transition_latency',
          'base_frequency',
          'energy_performance_preference',
        ].map((file) => `${policies}/${file}`),
        `${cpu}/cpufreq/boost`,
        ...['status', 'no_turbo'].map((file) => `${cpu}/intel_pstate/${file}`),
        `${cpu}/amd_pstate/status`,
      ),
    },
    {
      name: 'cpuidle',
      commands: listFiles(
        `${cpu}/cpuidle/current_driver`,
        `${cpu}/cpuidle/current_governor`,
        ...['name', 'latency', 'residency', 'disable'].map(
          (file) => `${cpu}/cpu0/cpuidle/state*/${file}`,
        ),
      ),
    },
    {
      name: 'powercap',
      commands: listFiles(
        ...['name', 'max_energy_range_uj', 'enabled', 'constraint_0_max_power_uw'].map(
          (file) => `/sys/class/powercap/*/${file}`,
        ),
      ),
    },
    {
      name: 'cgroup',
      commands:
        'stat -f -c "type=%T" /sys/fs/cgroup; read -r C </sys/fs/cgroup/cgroup.controllers && ' +
        'echo "controllers=$C"; grep -q " cgroup .*[, ]cpu[, ]" /proc/mounts && echo cpu1=yes; :',
    },
    { name: 'access', commands: access },
    { name: 'sudo', commands: sudo ? 'sudo -n true' : 'exit 2' },
    { name: 'libvirt', commands: `{ ${virshCommand(virshUri, 'version')}; } 2>&1` },
    {
      name: 'domains',
      commands: virshCommand(virshUri, 'domstats --raw --nowait --state --vcpu --balloon'),
    },
  ];
}
