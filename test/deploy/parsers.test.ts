/** What the kernel and libvirt print, read: recorded forms, cut forms, and what cannot be. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCgroups, unescapeUnit } from '../../deploy/telemetry/cgroup.ts';
import { meanKhz, readCpufreq } from '../../deploy/telemetry/cpufreq.ts';
import { domainSample } from '../../deploy/telemetry/domain-sample.ts';
import { type DomainReading, readDomstats } from '../../deploy/telemetry/domstats.ts';
import { count, cpuList, readListing } from '../../deploy/telemetry/listing.ts';
import { readMeminfo } from '../../deploy/telemetry/meminfo.ts';
import {
  countedZones,
  energyChange,
  labelZones,
  readPowercap,
  type ZoneReading,
} from '../../deploy/telemetry/powercap.ts';
import { readPressure } from '../../deploy/telemetry/pressure.ts';
import { type CpuTicks, cpuLoad, readProcStat } from '../../deploy/telemetry/proc-stat.ts';
import { readTemperatures, readThrottleCounts } from '../../deploy/telemetry/thermal.ts';

const seed = 20_260_104;

describe('/proc/stat', () => {
  const recorded =
    'cpu  100 0 50 900 10 0 5 0 40 0\ncpu0 60 0 20 400 5 0 5 0 30 0\ncpu2 40 0 30 500 5 0 0 0 10 0\nintr 5 1 2\nctxt 9\nbtime 1763784000\nprocesses 3\n';

  it('is read CPU by CPU, without the sum and without CPUs that are off-line', () => {
    const { cpus, bootS } = readProcStat(recorded);
    expect([...cpus.keys()]).toEqual([0, 2]);
    expect(cpus.get(0)).toEqual({
      ...{ user: 60, nice: 0, system: 20, idle: 400, iowait: 5 },
      ...{ irq: 0, softirq: 5, steal: 0, guest: 30, guestNice: 0 },
    });
    expect(bootS).toBe(1_763_784_000);
  });

  it('of an old kernel has fewer columns; a line that is cut in its first four is left out', () => {
    const { cpus } = readProcStat('cpu0 1 2 3 4\ncpu1 1 2 3\ncpu2 1 2 x 4\ncpu3 -1 2 3 4\n');
    expect([...cpus.keys()]).toEqual([0]);
    expect(cpus.get(0)).toMatchObject({ idle: 4, iowait: 0, guest: 0 });
  });

  const ticks = (over: Partial<CpuTicks>): CpuTicks => ({
    ...{ user: 0, nice: 0, system: 0, idle: 0, iowait: 0 },
    ...{ irq: 0, softirq: 0, steal: 0, guest: 0, guestNice: 0, ...over },
  });

  it('counts guests once: 30 of 100 ticks in a VM are 30 % load, not 46 %', () => {
    const load = cpuLoad(ticks({}), ticks({ user: 30, guest: 30, idle: 70 }));
    expect(load).toMatchObject({ utilization: 0.3, guestFraction: 0.3, ticks: 100 });
  });

  it('has idle and iowait that may go back, and nothing else', () => {
    const before = ticks({ user: 10, idle: 50, iowait: 20 });
    expect(cpuLoad(before, ticks({ user: 20, idle: 49, iowait: 30 }))?.utilization).toBe(0.5);
    expect(cpuLoad(before, ticks({ user: 9, idle: 90, iowait: 30 }))).toBeUndefined();
    expect(cpuLoad(before, before)).toBeUndefined();
  });

  it('has loads from 0 to 1 whose parts are no greater', () => {
    const tick = fc.record(
      Object.fromEntries(Object.keys(ticks({})).map((name) => [name, fc.nat(1e6)])),
    ) as unknown as fc.Arbitrary<CpuTicks>;
    fc.assert(
      fc.property(tick, tick, (start, change) => {
        const end = Object.fromEntries(
          Object.entries(start).map(([name, value]) => [
            name,
            value + change[name as keyof CpuTicks],
          ]),
        ) as unknown as CpuTicks;
        const load = cpuLoad(start, end);
        if (load === undefined) return;
        const { utilization, guestFraction, stealFraction, iowaitFraction } = load;
        expect(utilization).toBeGreaterThanOrEqual(Math.max(guestFraction, stealFraction));
        expect(utilization + iowaitFraction).toBeLessThanOrEqual(1 + 1e-12);
      }),
      { seed, numRuns: 2000 },
    );
  });
});

describe('cpufreq', () => {
  const policy = '/sys/devices/system/cpu/cpufreq/policy4';

  it('is read by policy; what intel_pstate does not have is absent', () => {
    const text = `${policy}/affected_cpus:4 5\n${policy}/scaling_cur_freq:1799998\n${policy}/scaling_governor:powersave\n`;
    expect(readCpufreq(text)).toEqual([
      { policy: 4, cpus: [4, 5], currentKhz: 1_799_998, governor: 'powersave' },
    ]);
  });

  it('has the mean of the interval from time_in_state', () => {
    const text = `${policy}/affected_cpus:4\n${policy}/stats/time_in_state:2600000 100\n${policy}/stats/time_in_state:1200000 300\n`;
    const [{ ticksAtKhz } = {}] = readCpufreq(text);
    const after = new Map([
      [2_600_000, 125],
      [1_200_000, 375],
    ]);
    // (25 × 2.6 GHz + 75 × 1.2 GHz) / 100
    expect(meanKhz(ticksAtKhz!, after)).toBe(1_550_000);
    expect(meanKhz(after, ticksAtKhz!)).toBeUndefined();
    expect(meanKhz(after, after)).toBeUndefined();
    expect(meanKhz(new Map([[1, 1]]), after)).toBeUndefined();
  });
});

describe('powercap', () => {
  const range = 262_143_328_850;
  const zone = (energyUj?: number, over: Partial<ZoneReading> = {}): ZoneReading => ({
    ...{ zone: 'intel-rapl:0', name: 'package-0', rangeUj: range },
    ...(energyUj === undefined ? {} : { energyUj }),
    ...over,
  });

  it('is known by path, so that the cores of two packages stay two', () => {
    const of = (path: string, name: string): string =>
      `/sys/class/powercap/${path}/name:${name}\n/sys/class/powercap/${path}/energy_uj:5\n`;
    const text =
      '/sys/class/powercap/intel-rapl/enabled:1\n' +
      of('intel-rapl:0', 'package-0') +
      of('intel-rapl:0:0', 'core') +
      of('intel-rapl:1', 'package-1') +
      of('intel-rapl:1:0', 'core');
    const zones = readPowercap(text);
    expect(zones.map((one) => one.zone)).toEqual([
      'intel-rapl:0',
      'intel-rapl:0:0',
      'intel-rapl:1',
      'intel-rapl:1:0',
    ]);
    expect([...labelZones(zones).values()]).toEqual(['package-0', 'core-0', 'package-1', 'core-1']);
    expect([...labelZones(zones.slice(0, 2)).values()]).toEqual(['package-0', 'core']);
  });

  it('wraps at its own range', () => {
    expect(energyChange(zone(range - 1_000_000), zone(2_000_000), 1)).toEqual({
      kind: 'measured',
      energyUj: 3_000_000,
      didWrap: true,
    });
  });

  it.each([
    ['a counter that began anew', zone(100_000_000_000), zone(5), 1, 'reset'],
    [
      'a wrap without a known range',
      zone(9, { rangeUj: 0 }),
      { ...zone(5), rangeUj: undefined },
      1,
      'reset',
    ],
    ['no movement', zone(5), zone(5), 1, 'frozen'],
    ['no movement in less than it takes to move', zone(5), zone(5), 0.01, 'measured'],
    ['300 kW', zone(0), zone(300e9), 1, 'spike'],
    ['an hour between readings', zone(0), zone(5), 3600, 'ambiguous'],
    ['no right to read', zone(), zone(), 1, 'absent'],
    ['a right to read that came', zone(), zone(5), 1, 'absent'],
  ] as const)('%s is told', (_, before, after, elapsedS, kind) => {
    expect(energyChange(before as ZoneReading, after as ZoneReading, elapsedS).kind).toBe(kind);
  });

  it('is cut to what the part can draw, four times its design power', () => {
    const after = zone(1000e6, { designPowerW: 95 });
    expect(energyChange(zone(0), after, 2)).toEqual({
      kind: 'spike',
      energyUj: 4 * 95 * 2 * 1e6,
      rawUj: 1000e6,
    });
    expect(energyChange(zone(0), zone(700e6, { designPowerW: 95 }), 2).kind).toBe('measured');
  });

  it('gives back any energy below the limit, wherever the counter stands', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: range - 1 }),
        fc.integer({ min: 1, max: 999e6 }),
        (start, added) => {
          const end = start + added >= range ? start + added - range : start + added;
          const change = energyChange(zone(start), zone(end), 1);
          expect(change).toMatchObject({ kind: 'measured', energyUj: added });
        },
      ),
      { seed, numRuns: 2000 },
    );
  });

  it('counts packages and DRAM once: not core, not psys, not mmio beside the same package', () => {
    const all = [
      ['intel-rapl:0', 'package-0'],
      ['intel-rapl:0:0', 'core'],
      ['intel-rapl:0:2', 'dram'],
      ['intel-rapl:1', 'psys'],
      ['intel-rapl-mmio:0', 'package-0'],
    ].map(([path, name]) => ({ zone: path!, name: name! }));
    expect(countedZones(all).map((one) => one.zone)).toEqual(['intel-rapl:0', 'intel-rapl:0:2']);
    expect(countedZones(all.slice(4)).map((one) => one.zone)).toEqual(['intel-rapl-mmio:0']);
  });
});

describe('virsh domstats', () => {
  it('reads values and leaves out what is not known', () => {
    const { domains, brokenLines } = readDomstats(
      "Domain: 'it's \"one\" $(x)'\n  state.state=3\n  vcpu.current=1\n  vcpu.0.time=12\n  vcpu.0.wait=18446744073709551615\n  balloon.current=1024\n\nDomain: 'two'\n  state.state=99\n  cpu.time=abc\n",
    );
    expect(brokenLines).toBe(0);
    expect(domains[0]).toEqual({
      name: 'it\'s "one" $(x)',
      state: 'paused',
      vcpusCurrent: 1,
      vcpus: [{ vcpu: 0, timeNs: 12 }],
      balloon: { currentBytes: 1_048_576 },
      blocks: [],
      interfaces: [],
    });
    expect(domains[1]).toEqual({ name: 'two', vcpus: [], balloon: {}, blocks: [], interfaces: [] });
  });

  it('counts lines that are of no form, keys given twice and names given twice', () => {
    const { domains, brokenLines } = readDomstats(
      "garbage\nDomain: 'a'\n  cpu.time=1\n  cpu.time=2\nDomain: 'a'\n  cpu.time=3\n",
    );
    expect(domains).toHaveLength(1);
    expect(domains[0]?.cpuTimeNs).toBe(1);
    expect(brokenLines).toBe(3);
  });

  const vm = (times: readonly number[], over: Partial<DomainReading> = {}): DomainReading => ({
    name: 'a',
    vcpus: times.map((timeNs, vcpu) => ({ vcpu, timeNs, delayNs: 0 })),
    ...{ balloon: {}, blocks: [], interfaces: [], ...over },
  });

  it('quotas of vCPUs add up only where each vCPU has one', () => {
    const group = (part: string, quotaCores?: number) => ({
      domain: 'x',
      part,
      ...(quotaCores === undefined ? {} : { quotaCores }),
    });
    const quotaOf = (...vcpus: ReturnType<typeof group>[]) =>
      domainSample(vm([0]), vm([1]), { vcpus }, 1, undefined).vcpuQuotaCores;
    expect(quotaOf(group('vcpu0', 0.1), group('vcpu1', 0.25))).toBeCloseTo(0.35, 12);
    expect(quotaOf(group('vcpu0', 0.1), group('vcpu1'))).toBeUndefined();
    expect(quotaOf()).toBeUndefined();
  });

  it('shows what a VM wanted while a quota held it at a tenth of a core', () => {
    const delayed = { ...vm([0.1e9]), vcpus: [{ vcpu: 0, timeNs: 0.1e9, delayNs: 0.9e9 }] };
    const sample = domainSample(vm([0]), delayed, {}, 1, undefined);
    expect(sample.usedCores).toBeCloseTo(0.1, 12);
    expect(sample.demandCores).toBeCloseTo(1, 12);
  });

  it('has no demand where libvirt tells no delay', () => {
    const bare = { ...vm([1e9]), vcpus: [{ vcpu: 0, timeNs: 1e9 }] };
    const sample = domainSample(
      { ...bare, vcpus: [{ vcpu: 0, timeNs: 0 }] },
      bare,
      {},
      2,
      undefined,
    );
    expect(sample.usedCores).toBeCloseTo(0.5, 12);
    expect(sample).not.toHaveProperty('demandCores');
  });

  it('compares no counters across a restart of the VM', () => {
    const anew = domainSample(vm([5e9]), vm([1e9]), {}, 1, undefined);
    expect(anew).toEqual({ name: 'a', doubts: ['reset'] });
    // It ran for longer than before; only libvirt's number shows it.
    const groups = { before: { domain: 'a', id: 3 }, after: { domain: 'a', id: 4 } };
    expect(domainSample(vm([5e9]), vm([6e9]), groups, 60, undefined).doubts).toEqual(['reset']);
    expect(domainSample(undefined, vm([6e9]), {}, 60, undefined)).toEqual({
      name: 'a',
      doubts: [],
    });
  });

  it('leaves a vCPU that was added out of the sums, and the devices too', () => {
    const block = { device: 'vda', readBytes: 100 };
    const after = vm([1e9, 50e9], { blocks: [block, { device: 'vdb', readBytes: 7 }] });
    const sample = domainSample(
      vm([0], { blocks: [{ ...block, readBytes: 60 }] }),
      after,
      {},
      2,
      undefined,
    );
    expect(sample.usedCores).toBeCloseTo(0.5, 12);
    expect(sample.blocks).toEqual([{ device: 'vda', perS: { readBytes: 20 } }]);
  });

  it('knows that a guest has not told about its memory for a while', () => {
    const told = vm([], { balloon: { unusedBytes: 5, lastUpdateS: 1000 } });
    expect(domainSample(told, told, {}, 1, 1061).doubts).toEqual(['stale']);
    expect(domainSample(told, told, {}, 1, 1059).doubts).toEqual([]);
  });
});

describe('cgroups', () => {
  const scope = 'machine-qemu\\x2d7\\x2dweb\\x2d\\xc3\\xa9.scope';

  it('of version 2 with systemd', () => {
    const base = `/sys/fs/cgroup/machine.slice/${scope}`;
    const text =
      `${base}/cpu.stat:usage_usec 5000\n${base}/cpu.stat:nr_periods 10\n${base}/cpu.stat:nr_throttled 4\n` +
      `${base}/cpu.stat:throttled_usec 800\n${base}/cpu.max:max 100000\n` +
      `${base}/libvirt/cpu.max:150000 100000\n${base}/libvirt/vcpu0/cpu.max:10000 100000\n`;
    expect(readCgroups(text)).toEqual([
      {
        ...{ domain: 'web-é', id: 7, usageUs: 5000, periods: 10 },
        ...{ throttledPeriods: 4, throttledUs: 800, quotaCores: 1.5 },
      },
      { domain: 'web-é', id: 7, part: 'vcpu0', quotaCores: 0.1 },
    ]);
  });

  it('of version 1 without systemd, once though mounted under two names', () => {
    const files = (mount: string): string => {
      const base = `/sys/fs/cgroup/${mount}/machine/qemu-3-vm:1.libvirt-qemu`;
      return `${base}/cpu.stat:nr_periods 8\n${base}/cpu.stat:nr_throttled 2\n${base}/cpu.stat:throttled_time 3000\n${base}/cpu.shares:1024\n${base}/cpu.cfs_quota_us:-1\n${base}/cpu.cfs_period_us:100000\n`;
    };
    expect(readCgroups(files('cpu') + files('cpu,cpuacct'))).toEqual([
      { domain: 'vm:1', id: 3, periods: 8, throttledPeriods: 2, throttledUs: 3, weight: 1024 },
    ]);
  });

  it("take systemd's escapes back", () => {
    expect(unescapeUnit('a\\x2db\\xe2\\x82\\xac')).toBe('a-b€');
  });
});

describe('the smaller files', () => {
  it('/proc/meminfo counts in KiB', () => {
    expect(readMeminfo('MemTotal: 1024 kB\nMemFree:  x kB\nHugePages_Total:   3\n')).toEqual({
      totalBytes: 1_048_576,
      hugePagesTotal: 3,
    });
    expect(readMeminfo('MemFree: 5 kB\n')).toBeUndefined();
  });

  it('/proc/pressure has totals in µs; a kernel without "full" has none', () => {
    const text =
      '/proc/pressure/cpu:some avg10=1.00 avg60=0.00 avg300=0.00 total=77\n' +
      '/proc/pressure/io:some avg10=0.00 avg60=0.00 avg300=0.00 total=5\n/proc/pressure/io:full avg10=0.00 avg60=0.00 avg300=0.00 total=3\n' +
      '/proc/pressure/memory:some avg10=0.00\n';
    expect(readPressure(text)).toEqual([
      { resource: 'cpu', someUs: 77 },
      { resource: 'io', someUs: 5, fullUs: 3 },
    ]);
  });

  it('sensors that say what cannot be are left out', () => {
    const zone = (number: number, value: string): string =>
      `/sys/class/thermal/thermal_zone${number}/type:acpitz\n/sys/class/thermal/thermal_zone${number}/temp:${value}\n`;
    const text =
      zone(0, '45000') + zone(1, '-273200') + zone(2, '255000') + zone(3, '') + zone(4, '-5000');
    expect(readTemperatures(text).map(({ celsius }) => celsius)).toEqual([45, -5]);
    const counts = '/sys/devices/system/cpu/cpu12/thermal_throttle/core_throttle_count:9\n';
    expect([...readThrottleCounts(counts)]).toEqual([[12, 9]]);
  });

  it('numbers are whole numbers in digits', () => {
    expect(['5', '18446744073709551615', '-5', '5.0', '', ' 5', '0x5', '1e3'].map(count)).toEqual([
      5,
      ...Array(7).fill(undefined),
    ]);
    expect(cpuList('0-2,5 7')).toEqual([0, 1, 2, 5, 7]);
    expect(['', '3-1', '0-99999999', 'a', '1,,2-'].map(cpuList)).toEqual(Array(5).fill(undefined));
  });

  it('a listing is cut behind the name of the file, whatever colons the path and the value have', () => {
    const listing = readListing('/a/x:0:1/name:b:c/name:d\nno path\n/a/y/other:5\n', ['name']);
    expect([...listing]).toEqual([['/a/x:0:1/name', ['b:c/name:d']]]);
  });

  it('no text makes a parser throw', () => {
    const alphabet = fc.constantFrom(
      ...[
        'cpu0',
        ' ',
        '1',
        ':',
        '/',
        '\n',
        "Domain: '",
        "'",
        '  a.b=',
        '/sys/x/name:',
        'total=',
        '\u{1F600}',
        '\\x',
      ],
    );
    const text = fc.array(alphabet, { maxLength: 60 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, (any) => {
        for (const read of [
          ...[readProcStat, readCpufreq, readPowercap, readDomstats, readCgroups, readMeminfo],
          ...[readPressure, readTemperatures, readThrottleCounts],
        ]) {
          read(any);
        }
      }),
      { seed, numRuns: 500 },
    );
  });
});
