/** The hardware of a host over time, on control groups in memory and a clock that the test turns. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cpuLoad, readProcStat } from '../../../deploy/telemetry/proc-stat.ts';
import { coresOf } from '../../../deploy/testbed/hardware/cgroup-caps.ts';
import { readConfig } from '../../../deploy/testbed/hardware/config.ts';
import { type Faults, noFaults } from '../../../deploy/testbed/hardware/faults.ts';
import { HostHardware } from '../../../deploy/testbed/hardware/host-hardware.ts';
import { VmThreads } from '../../../deploy/testbed/hardware/vm-threads.ts';
import { fakeCgroups, fileAt, testClock, textAt } from './hardware-fakes.ts';

const zone = 'powercap/intel-rapl/intel-rapl:0';

/** A host and its VMs of one vCPU, each of which wants so many emulated CPUs at full speed. */
function host(over: object = {}) {
  const config = readConfig({ governor: 'performance', ...over });
  const clock = testClock();
  const cgroups = fakeCgroups();
  cgroups.add('machine');
  let faults: Faults = noFaults;
  const hardware = new HostHardware(config, {
    clock,
    cgroups,
    faults: () => faults,
    cpuinfo: 'processor\t: 0\ncpu MHz\t\t: 2000.000\n',
    bootId: 'a-boot',
  });
  const root = hardware.files();
  const wants = new Map<string, number>();
  /** Time passes; the vCPU of every VM does what it wants, as far as quotas let it. */
  const pass = (ticks: number): void => {
    for (let tick = 0; tick < ticks; tick++) {
      clock.pass(0.1);
      const bound = (group: string): number => coresOf(cgroups.bandwidth(group)!);
      const cores = new Map(
        [...wants].map(([vm, want]) => [vm, Math.min(want * config.share, bound(vm))]),
      );
      const all = [...cores.values()].reduce((sum, one) => sum + one, 0);
      const scale = all > bound('machine') ? bound('machine') / all : 1;
      for (const [vm, one] of cores) cgroups.run(`${vm}/vcpu0`, one * scale * 0.1);
      hardware.tick();
    }
  };
  const add = (vm: string, want: number, cpus = '0-1'): void => {
    cgroups.add(`machine/${vm}`);
    cgroups.add(`machine/${vm}/vcpu0`, cpus);
    wants.set(`machine/${vm}`, want);
  };
  const read = (path: string): string => textAt(root, path);
  const write = (path: string, text: string): void => fileAt(root, path).write!(text);
  const mhz = (cpu: number): number => Number(read(`cpufreq/policy${cpu}/scaling_cur_freq`)) / 1000;
  return {
    ...{ hardware, clock, cgroups, root, wants, pass, add, read, write, mhz },
    breakIt: (over: Partial<Faults>): void => {
      faults = { ...noFaults, ...over };
    },
  };
}

describe('a host without VMs', () => {
  it('takes what idle parts take, in counters and at the plug', () => {
    const { pass, read, hardware } = host();
    pass(100);
    const counters = ['', 'intel-rapl:0:0/', 'intel-rapl:0:1/'].map((part) =>
      Number(read(`${zone}/${part}energy_uj`)),
    );
    // The counter shows whole µJ.
    expect(counters.map((uj) => Math.ceil(uj / 10) / 1e5)).toEqual([140, 40, 30]);
    const meter = hardware.readMeter();
    expect(meter.energyJ).toBeCloseTo((10 * (8 + 14 + 3)) / 0.9, 6);
    expect(meter.powerW).toBeCloseTo(25 / 0.9, 6);
    expect(meter).toMatchObject({ utilization: [0, 0], mhz: [3200, 3200] });
  });

  it('has quotas ready for VMs that come', () => {
    const { cgroups } = host({ share: 0.25, cpus: 4 });
    expect(cgroups.bandwidth('machine')).toEqual({ quotaUs: 10_000, periodUs: 10_000 });
  });
});

describe('a busy vCPU', () => {
  it('keeps one CPU busy, at any frequency, and takes what its frequency takes', () => {
    const { add, pass, read, write, hardware } = host();
    add('vm', 1);
    pass(2);
    const before = readProcStat(read('proc/stat'));
    hardware.readMeter();
    pass(50);
    const first = hardware.readMeter();
    expect(first.utilization).toEqual([expect.closeTo(1, 6), 0]);
    // Idle parts and 29.624 W, and half of 5 W for memory, at 90 %.
    expect(first.powerW).toBeCloseTo((25 + 29.624 + 2.5) / 0.9, 4);
    write('cpufreq/policy0/scaling_max_freq', '1600000');
    pass(1);
    hardware.readMeter();
    pass(50);
    const second = hardware.readMeter();
    expect(second.utilization[0]).toBeCloseTo(1, 6);
    // 7 nF · (0.81 V)² · 1.6 GHz
    expect(second.powerW).toBeCloseTo((25 + 7.34832 + 1.25) / 0.9, 4);
    const after = readProcStat(read('proc/stat'));
    const loads = [0, 1].map((cpu) => cpuLoad(before.cpus.get(cpu)!, after.cpus.get(cpu)!)!);
    expect(loads[0]!.utilization).toBeCloseTo(1, 2);
    expect(loads[0]!.guestFraction).toBe(loads[0]!.utilization);
    expect(loads[1]!.utilization).toBe(0);
  });

  it('is held to its CPU’s frequency by its quota, all VMs together by all CPUs', () => {
    const { add, pass, write, cgroups } = host();
    add('vm', 1);
    pass(3);
    expect(cgroups.bandwidth('machine/vm')?.quotaUs).toBe(4000);
    write('cpufreq/policy0/scaling_max_freq', '800000');
    expect(cgroups.bandwidth('machine/vm')?.quotaUs).toBe(1000);
    expect(cgroups.bandwidth('machine')?.quotaUs).toBe(5000);
    write('cpufreq/policy1/scaling_max_freq', '800000');
    expect(cgroups.bandwidth('machine')?.quotaUs).toBe(2000);
  });

  it('has a CPU of its own beside another, and the one that it is pinned to', () => {
    const { add, pass, hardware, wants, cgroups } = host();
    add('a', 1, '1');
    add('b', 1);
    pass(20);
    hardware.readMeter();
    pass(20);
    const both = hardware.readMeter().utilization;
    expect(both).toEqual([expect.closeTo(1, 6), expect.closeTo(1, 6)]);
    wants.set('machine/b', 0);
    pass(10);
    hardware.readMeter();
    pass(20);
    expect(hardware.readMeter().utilization).toEqual([0, expect.closeTo(1, 6)]);
    // Both on CPU 1: half of it each.
    wants.set('machine/b', 1);
    cgroups.groups.get('machine/b/vcpu0')!.cpus = '1';
    pass(30);
    const quotas = ['a', 'b'].map((vm) => cgroups.bandwidth(`machine/${vm}`)!.quotaUs!);
    expect(quotas).toEqual([2000, 2000]);
    hardware.readMeter();
    pass(20);
    expect(hardware.readMeter().utilization).toEqual([0, expect.closeTo(1, 6)]);
  });
});

describe('schedutil', () => {
  it.each([
    // A busy CPU climbs to the top; a share u of the top's speed takes the first point at 1.25·u·3200.
    [1, 3200],
    [0.7, 2800],
    [0.5, 2000],
    [0.3, 1200],
    [0.1, 800],
  ])('gives a vCPU that wants %f of a CPU %i MHz', (want, expected) => {
    const { add, pass, mhz } = host({ governor: 'schedutil' });
    pass(10);
    expect(mhz(0)).toBe(800);
    add('vm', want);
    pass(30);
    expect([mhz(0), mhz(1)].sort((a, b) => b - a)).toEqual([expected, 800]);
  });

  it('climbs within half a second and comes down as fast', () => {
    const { add, pass, mhz, wants } = host({ governor: 'schedutil', cpusPerPolicy: 2 });
    pass(10);
    add('vm', 1);
    const climb = Array.from({ length: 9 }, () => {
      pass(1);
      return mhz(0);
    });
    expect(climb).toEqual(climb.toSorted((a, b) => a - b));
    expect(climb.at(-1)).toBe(3200);
    wants.set('machine/vm', 0);
    pass(3);
    expect(mhz(0)).toBe(800);
  });
});

describe('ondemand and conservative', () => {
  it('go to the top under load and back without', () => {
    for (const governor of ['ondemand', 'conservative']) {
      const { add, pass, mhz, wants } = host({ governor, cpus: 1 });
      pass(40);
      expect(mhz(0), governor).toBe(800);
      add('vm', 1);
      pass(40);
      expect(mhz(0), governor).toBe(3200);
      wants.set('machine/vm', 0.02);
      pass(40);
      expect(mhz(0), governor).toBe(800);
    }
  });
});

describe('a power limit', () => {
  it('slows a busy host down to it, and lets go when it is lifted', () => {
    const { add, pass, read, write, mhz, hardware } = host();
    add('a', 1);
    add('b', 1);
    pass(20);
    expect(mhz(0)).toBe(3200);
    write(`${zone}/constraint_0_power_limit_uw`, '40000000');
    pass(50);
    const before = Number(read(`${zone}/energy_uj`));
    const time = hardware.readMeter().elapsedS;
    pass(200);
    const packageW = (Number(read(`${zone}/energy_uj`)) - before) / 20e6;
    expect(hardware.readMeter().elapsedS - time).toBeCloseTo(20, 9);
    expect(packageW).toBeLessThanOrEqual(40.5);
    expect(packageW).toBeGreaterThan(34);
    expect(read('cpufreq/policy0/scaling_max_freq')).toBe('3200000');
    write(`${zone}/enabled`, '0');
    pass(2);
    expect(mhz(0)).toBe(3200);
  });
});

it('a short-term limit holds in every tick, also while governors climb', () => {
  const { add, pass, write, hardware } = host({ governor: 'schedutil' });
  write(`${zone}/constraint_1_power_limit_uw`, '40000000');
  pass(20);
  add('a', 1);
  add('b', 1);
  for (let tick = 0; tick < 40; tick++) {
    const before = hardware.readMeter();
    pass(1);
    const after = hardware.readMeter();
    const packageW = (after.packageJ - before.packageJ) / (after.elapsedS - before.elapsedS);
    expect(packageW).toBeLessThanOrEqual(40 + 1e-6);
  }
  expect(hardware.readMeter().mhz).toEqual([2000, 2000]);
});

describe('a broken host', () => {
  it('shows counters that stand still, while the meter goes on', () => {
    const { add, pass, read, breakIt, hardware } = host();
    add('vm', 1);
    pass(10);
    breakIt({ frozenCounters: true });
    const shown = (): string[] => [`${zone}/energy_uj`, 'proc/stat'].map(read);
    const before = shown();
    const energyJ = hardware.readMeter().energyJ;
    pass(10);
    expect(shown()).toEqual(before);
    expect(hardware.readMeter().energyJ - energyJ).toBeCloseTo((25 + 29.624 + 2.5) / 0.9, 4);
    breakIt({});
    pass(1);
    const [after] = shown();
    // Only the last tick's, at 14 + 29.624 W.
    expect((Number(after) - Number(before[0])) / 1e6).toBeCloseTo(4.3624, 4);
  });

  it('lets VMs run free while they start', () => {
    const { add, pass, breakIt, cgroups } = host();
    add('vm', 1);
    pass(3);
    expect(cgroups.bandwidth('machine/vm')?.quotaUs).toBe(4000);
    breakIt({ uncapped: true });
    pass(1);
    expect(cgroups.bandwidth('machine/vm')?.quotaUs).toBeUndefined();
    expect(cgroups.bandwidth('machine')?.quotaUs).toBeUndefined();
    breakIt({});
    pass(1);
    expect(cgroups.bandwidth('machine/vm')?.quotaUs).toBe(4000);
  });
});

it('a VM’s threads are counted once, though its counters move while they are read', () => {
  const cgroups = fakeCgroups();
  const vcpu = 'machine/vm/vcpu0';
  cgroups.add(vcpu);
  const openUsage: typeof cgroups.openUsage = (group) => ({
    ...cgroups.openUsage(group),
    usedS: () => {
      const usedS = cgroups.groups.get(group)!.usedS;
      cgroups.run(vcpu, 0.001);
      return usedS;
    },
  });
  const threads = new VmThreads({ ...cgroups, openUsage }, 'machine', 2);
  threads.scan();
  const startS = cgroups.groups.get(vcpu)!.usedS;
  const used = { vcpuS: 0, restS: 0 };
  for (let look = 0; look < 100; look++) {
    cgroups.run(vcpu, 0.01);
    // QEMU's own threads, now and then.
    if (look % 10 === 0) cgroups.run('machine/vm', 0.005);
    const [one, rest] = threads.collect();
    used.vcpuS += one!.usedS;
    used.restS += rest!.usedS;
    threads.keep([0, 0]);
  }
  expect(used.vcpuS).toBeCloseTo(cgroups.groups.get(vcpu)!.usedS - startS, 2);
  expect(used.restS).toBeGreaterThan(0.05 - 0.005);
  expect(used.restS).toBeLessThanOrEqual(0.05 + 1e-9);
});

it('VMs come and go without a jump', () => {
  const { add, pass, cgroups, wants, read, hardware } = host();
  add('a', 1);
  pass(20);
  cgroups.remove('machine/a');
  wants.clear();
  pass(2);
  hardware.readMeter();
  add('b', 0.5);
  pass(20);
  const meter = hardware.readMeter();
  expect(meter.utilization.reduce((sum, one) => sum + one, 0)).toBeCloseTo(0.5, 6);
  hardware.release();
  expect(cgroups.bandwidth('machine')?.quotaUs).toBeUndefined();
  expect(read('proc/boot_id')).toBe('a-boot');
  expect(read('proc/uptime')).toMatch(/^4\.20 \d/);
});

it('no energy and no time is lost or made, however it is read and set', () => {
  const step = fc.tuple(
    fc.constantFrom('pass', 'read', 'min', 'max', 'load', 'governor'),
    fc.nat(100),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const { pass, add, read, write, clock, hardware, wants } = host({ governor: 'schedutil' });
      add('vm', 0.4);
      const governors = ['schedutil', 'performance', 'powersave', 'ondemand', 'conservative'];
      for (const [what, value] of steps) {
        if (what === 'pass') pass(value % 5);
        if (what === 'load') wants.set('machine/vm', value / 100);
        if (what === 'min' || what === 'max') {
          write(
            `cpufreq/policy${value % 2}/scaling_${what}_freq`,
            String(800_000 + value * 24_000),
          );
        }
        if (what === 'governor') {
          write(`cpufreq/policy${value % 2}/scaling_governor`, governors[value % 5]!);
        }
        if (what === 'read') {
          clock.pass(value / 1000);
          read(`${zone}/energy_uj`);
        }
      }
      pass(1);
      const { elapsedS, energyJ, packageJ, coreJ, dramJ } = hardware.readMeter();
      expect(energyJ).toBeCloseTo((packageJ + dramJ + 8 * elapsedS) / 0.9, 6);
      expect(packageJ - coreJ).toBeCloseTo(10 * elapsedS, 6);
      expect(Number(read(`${zone}/energy_uj`))).toBe(Math.floor(packageJ * 1e6));
      const { cpus } = readProcStat(read('proc/stat'));
      for (const { user, idle, guest } of cpus.values()) {
        expect(Math.abs(user + idle - elapsedS * 100)).toBeLessThanOrEqual(2);
        expect(guest).toBe(user);
      }
      for (const policy of [0, 1]) {
        const ticks = read(`cpufreq/policy${policy}/stats/time_in_state`)
          .split('\n')
          .reduce((sum, line) => sum + Number(line.split(' ')[1]), 0);
        expect(Math.abs(ticks - elapsedS * 100)).toBeLessThanOrEqual(8);
      }
    }),
    { seed: 12, numRuns: 200 },
  );
});
