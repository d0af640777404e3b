/** The tree of a host with two packages and four CPUs, at a time that the test says. */
import type { HostFiles } from './fake-ssh.ts';

export interface HostMoment {
  readonly uptimeS: number;
  /** Ticks per CPU: busy (of which guests) and idle. */
  readonly busyTicks: number;
  readonly guestTicks: number;
  readonly idleTicks: number;
  /** µJ by zone. */
  readonly energyUj: Readonly<Record<string, number>>;
  readonly bootId?: string;
  /** ms at 1.2 and at 2.6 GHz, in ticks of 10 ms. */
  readonly slowTicks?: number;
  readonly fastTicks?: number;
}

/** What counters of a zone end at: 2^32 steps of 2^-14 J. */
export const rangeUj = 262_143_328_850;

const zones: readonly (readonly [string, string])[] = [
  ['intel-rapl:0', 'package-0'],
  ['intel-rapl:0:0', 'core'],
  ['intel-rapl:0:1', 'dram'],
  ['intel-rapl:1', 'package-1'],
  ['intel-rapl:1:0', 'core'],
  ['intel-rapl:1:1', 'dram'],
  ['intel-rapl:2', 'psys'],
  ['intel-rapl-mmio:0', 'package-0'],
];

/** Files under /proc and /sys. */
export function hostTree(moment: HostMoment): HostFiles {
  const { uptimeS, busyTicks, guestTicks, idleTicks, slowTicks = 0, fastTicks = 0 } = moment;
  const cpu = `${busyTicks - 5} 0 5 ${idleTicks} 0 0 0 0 ${guestTicks} 0`;
  const files: Record<string, string> = {
    '/proc/uptime': `${uptimeS.toFixed(2)} 100.00\n`,
    '/proc/stat': `cpu  1 2 3\n${[0, 1, 2, 3].map((n) => `cpu${n} ${cpu}\n`).join('')}intr 1\nbtime 1700000000\n`,
    '/proc/meminfo':
      'MemTotal:       65536000 kB\nMemFree: 1000 kB\nMemAvailable:   32768000 kB\nHugePages_Total: 4\nHugepagesize: 2048 kB\n',
    '/proc/sys/kernel/random/boot_id': `${moment.bootId ?? 'boot-one'}\n`,
    '/proc/pressure/cpu': `some avg10=0.00 avg60=0.00 avg300=0.00 total=${Math.round(uptimeS * 250_000)}\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n`,
    '/sys/class/thermal/thermal_zone0/type': 'x86_pkg_temp\n',
    '/sys/class/thermal/thermal_zone0/temp': '47000\n',
    '/sys/class/hwmon/hwmon1/name': 'coretemp\n',
    '/sys/class/hwmon/hwmon1/temp1_input': '-274000\n',
    '/sys/class/hwmon/hwmon1/temp2_input': '51500\n',
    '/sys/class/hwmon/hwmon1/temp2_label': 'Package id 1\n',
  };
  for (const [zone, name] of zones) {
    files[`/sys/class/powercap/${zone}/name`] = `${name}\n`;
    files[`/sys/class/powercap/${zone}/max_energy_range_uj`] = `${rangeUj}\n`;
    const energy = moment.energyUj[zone];
    if (energy !== undefined) files[`/sys/class/powercap/${zone}/energy_uj`] = `${energy}\n`;
  }
  for (const policy of [0, 1]) {
    const base = `/sys/devices/system/cpu/cpufreq/policy${policy * 2}`;
    files[`${base}/affected_cpus`] = `${policy * 2} ${policy * 2 + 1}\n`;
    files[`${base}/scaling_cur_freq`] = '1800000\n';
    files[`${base}/scaling_governor`] = 'schedutil\n';
    files[`${base}/scaling_driver`] = 'acpi-cpufreq\n';
    files[`${base}/scaling_available_governors`] = 'performance powersave userspace schedutil\n';
    files[`${base}/scaling_available_frequencies`] = '2600000 1200000\n';
    files[`${base}/cpuinfo_min_freq`] = '1200000\n';
    files[`${base}/cpuinfo_max_freq`] = '2600000\n';
    files[`${base}/cpuinfo_transition_latency`] = '4294967295\n';
    files[`${base}/stats/time_in_state`] = `1200000 ${slowTicks}\n2600000 ${fastTicks}\n`;
  }
  return files;
}

/** A moment one second after the first, in which the host drew 30 + 20 W in packages and 6 W in DRAM. */
export const firstMoment: HostMoment = {
  uptimeS: 1000,
  busyTicks: 5000,
  guestTicks: 3000,
  idleTicks: 95_000,
  energyUj: {
    'intel-rapl:0': 1_000_000_000,
    'intel-rapl:0:0': 400_000_000,
    'intel-rapl:0:1': 50_000_000,
    'intel-rapl:1': rangeUj - 5_000_000,
    'intel-rapl:1:0': 300_000_000,
    'intel-rapl:1:1': 60_000_000,
    'intel-rapl:2': 2_000_000_000,
    'intel-rapl-mmio:0': 7_000_000,
  },
  slowTicks: 1000,
  fastTicks: 500,
};

/** 25 % busy, 20 % in guests; package 1 wraps; 75 % of the time slow. */
export const secondMoment: HostMoment = {
  uptimeS: 1001,
  busyTicks: 5025,
  guestTicks: 3020,
  idleTicks: 95_075,
  energyUj: {
    'intel-rapl:0': 1_030_000_000,
    'intel-rapl:0:0': 410_000_000,
    'intel-rapl:0:1': 52_000_000,
    'intel-rapl:1': 15_000_000,
    'intel-rapl:1:0': 307_000_000,
    'intel-rapl:1:1': 64_000_000,
    'intel-rapl:2': 2_090_000_000,
    'intel-rapl-mmio:0': 37_000_000,
  },
  slowTicks: 1075,
  fastTicks: 525,
};

/** What `virsh domstats` prints for two VMs; times in ns. */
export function domstatsOutput(web: { readonly timeNs: number; readonly delayNs: number }): string {
  return `Domain: 'web \u{1F600}'
  state.state=1
  state.reason=5
  cpu.time=${web.timeNs + 1_000_000_000}
  cpu.user=1
  cpu.system=1
  cpu.haltpoll.success.time=5
  cpu.haltpoll.fail.time=6
  balloon.current=1048576
  balloon.maximum=2097152
  balloon.unused=18446744073709551615
  balloon.last-update=0
  balloon.rss=900000
  vcpu.current=2
  vcpu.maximum=4
  vcpu.0.state=1
  vcpu.0.time=${web.timeNs}
  vcpu.0.wait=0
  vcpu.0.delay=${web.delayNs}
  vcpu.1.state=1
  vcpu.1.time=77
  vcpu.1.delay=5
  net.count=1
  net.0.name=vnet0
  net.0.rx.bytes=1000
  net.0.tx.bytes=2000
  net.0.rx.drop=0
  net.0.tx.drop=0
  block.count=1
  block.0.name=vda
  block.0.path=/var/lib/x.qcow2
  block.0.rd.reqs=10
  block.0.rd.bytes=4096

Domain: 'batch'
  state.state=5
  state.reason=1
  balloon.current=524288
  vcpu.current=1

`;
}
