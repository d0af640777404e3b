/** Power, counters and power limits of an emulated host. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../../deploy/testbed/hardware/config.ts';
import { PowerLimiter } from '../../../deploy/testbed/hardware/power-limit.ts';
import { busyCpuW, hostPower } from '../../../deploy/testbed/hardware/power-physics.ts';
import { EnergyCounter, powercapDirectory } from '../../../deploy/testbed/hardware/powercap.ts';
import { fileAt, textAt } from './hardware-fakes.ts';

const config = readConfig({});
const { operatingPoints: points, power: constants } = config;

describe('power', () => {
  it('of a busy CPU is C·V²·f', () => {
    // 7 nF · (1.15 V)² · 3.2 GHz = 7e-9 · 1.3225 · 3.2e9 = 29.624 W
    expect(busyCpuW({ khz: 3_200_000, volt: 1.15 }, 7)).toBeCloseTo(29.624, 10);
  });

  it('of a host by hand', () => {
    const cpus = [
      { khz: 3_200_000, utilization: 1 },
      { khz: 1_600_000, utilization: 0.5 },
    ];
    // Second CPU: 7e-9 · 0.81² · 1.6e9 · 0.5 = 3.674160 W
    const dynamicW = 29.624 + 3.67416;
    const dramW = 3 + (5 * (1 + 0.25)) / 2;
    const power = hostPower(cpus, points, constants);
    expect(power.coreW).toBeCloseTo(4 + dynamicW, 9);
    expect(power.packageW).toBeCloseTo(14 + dynamicW, 9);
    expect(power.dramW).toBeCloseTo(dramW, 9);
    expect(power.wallW).toBeCloseTo((8 + 14 + dynamicW + dramW) / 0.9, 9);
  });

  it('rises with utilization and with frequency, and slow work takes less energy than fast', () => {
    const utilization = fc.double({ min: 0, max: 1, noNaN: true });
    const point = fc.nat(points.length - 2);
    fc.assert(
      fc.property(utilization, utilization, point, (a, b, index) => {
        const at = (khz: number, used: number): number =>
          hostPower([{ khz, utilization: used }], points, constants).packageW;
        const [low, high] = [points[index]!.khz, points[index + 1]!.khz];
        expect(at(low, Math.max(a, b))).toBeGreaterThanOrEqual(at(low, Math.min(a, b)));
        expect(at(high, a)).toBeGreaterThanOrEqual(at(low, a));
        // The same work: a of the time at the higher, a·high/low of it at the lower frequency.
        const stretched = (a * high) / low;
        if (stretched <= 1) expect(at(low, stretched)).toBeLessThanOrEqual(at(high, a) + 1e-12);
      }),
      { seed: 2 },
    );
  });
});

describe('a counter', () => {
  it('starts where it is told and begins again behind its range', () => {
    const counter = new EnergyCounter(
      readConfig({ maxEnergyRangeUj: 10_000_000, energyStartUj: 9_500_000 }),
    );
    expect(counter.counterUj).toBe(9_500_000);
    counter.add(0.4);
    expect(counter.counterUj).toBe(9_900_000);
    counter.add(0.35);
    expect(counter.counterUj).toBe(250_000);
    expect(counter.energyJ).toBeCloseTo(0.75, 12);
  });

  it('loses nothing to its wraps', () => {
    const steps = fc.array(fc.double({ min: 0, max: 0.9, noNaN: true }), { maxLength: 50 });
    fc.assert(
      fc.property(steps, fc.nat(999_999), (list, energyStartUj) => {
        const rangeUj = 1_000_000;
        const counter = new EnergyCounter(readConfig({ maxEnergyRangeUj: rangeUj, energyStartUj }));
        let before = counter.counterUj;
        let sumUj = 0;
        for (const step of list) {
          counter.add(step);
          const now = counter.counterUj;
          sumUj += now >= before ? now - before : rangeUj - before + now;
          before = now;
        }
        const whole = list.reduce((sum, step) => sum + step, 0) * 1e6;
        // Each reading is a whole number of µJ.
        expect(Math.abs(sumUj - whole)).toBeLessThanOrEqual(2);
      }),
      { seed: 4 },
    );
  });
});

describe('a power limit', () => {
  const busy = (khz: number) =>
    Array.from({ length: 2 }, () => ({ khz, requestedKhz: 3_200_000, utilization: 1 }));
  const packageW = (khz: number): number => hostPower(busy(khz), points, constants).packageW;

  it('for a short time holds at once: the highest frequency below it', () => {
    const limiter = new PowerLimiter({ ...config, shortTermLimitW: 40 });
    const khz = limiter.ceilingKhz(busy(3_200_000), points, constants, 0.1);
    // 2.0 GHz takes 35.7 W, 2.4 GHz 45.0 W.
    expect(khz).toBe(2_000_000);
    expect(packageW(2_000_000)).toBeLessThan(40);
    expect(packageW(2_400_000)).toBeGreaterThan(40);
  });

  it('for a long time holds on average, and lets a burst through first', () => {
    const limiter = new PowerLimiter({ ...config, longTermLimitW: 40 });
    let khz = 3_200_000;
    const seen: number[] = [];
    let energyJ = 0;
    let averageW = 0;
    for (let tick = 0; tick < 600; tick++) {
      khz = limiter.ceilingKhz(busy(khz), points, constants, 0.1);
      limiter.advance(packageW(khz), 0.1);
      averageW += (packageW(khz) - averageW) * 0.1;
      expect(averageW).toBeLessThanOrEqual(40 + 1e-9);
      seen.push(khz);
      if (tick >= 100) energyJ += packageW(khz) * 0.1;
    }
    expect(seen[0]).toBe(3_200_000);
    expect(seen.slice(100).every((one) => one <= 2_400_000)).toBe(true);
    // As much as it may, not much less.
    expect(energyJ / 50).toBeGreaterThan(36);
    expect(energyJ / 50).toBeLessThanOrEqual(40.1);
  });

  it('does nothing where there is room, when it is off, and never less than the lowest', () => {
    const limiter = new PowerLimiter(config);
    expect(limiter.ceilingKhz(busy(3_200_000), points, constants, 0.1)).toBe(3_200_000);
    const impossible = new PowerLimiter({ ...config, shortTermLimitW: 1 });
    expect(impossible.ceilingKhz(busy(3_200_000), points, constants, 0.1)).toBe(800_000);
    impossible.isEnabled = false;
    expect(impossible.ceilingKhz(busy(3_200_000), points, constants, 0.1)).toBe(3_200_000);
  });

  it('lets idle CPUs be fast, and expects a full CPU to want more', () => {
    const limiter = new PowerLimiter({ ...config, shortTermLimitW: 30 });
    const idle = [{ khz: 800_000, requestedKhz: 3_200_000, utilization: 0.1 }];
    // The same work at 3.2 GHz: 2.5 % of 29.6 W.
    expect(limiter.ceilingKhz(idle, points, constants, 0.1)).toBe(3_200_000);
    const full = [{ khz: 800_000, requestedKhz: 3_200_000, utilization: 1 }];
    expect(limiter.ceilingKhz(full, points, constants, 0.1)).toBe(2_400_000);
  });
});

describe('the powercap tree', () => {
  function powercap() {
    const counter = (): EnergyCounter => new EnergyCounter(config);
    const counters = { package: counter(), core: counter(), dram: counter() };
    const limiter = new PowerLimiter(config);
    const calls: string[] = [];
    const root = powercapDirectory(counters, limiter, config, {
      settle: () => calls.push('settle'),
      apply: () => calls.push('apply'),
    });
    const zone = 'intel-rapl/intel-rapl:0';
    const read = (name: string): string => textAt(root, `${zone}/${name}`);
    const write = (name: string, text: string): void =>
      fileAt(root, `${zone}/${name}`).write!(text);
    return { root, counters, limiter, calls, read, write };
  }

  it('has a package with its parts, each also right below, as a link', () => {
    const { root, counters, read } = powercap();
    counters.dram.add(1.5);
    expect(read('name')).toBe('package-0');
    expect(read('intel-rapl:0:0/name')).toBe('core');
    expect(read('intel-rapl:0:1/name')).toBe('dram');
    expect(read('intel-rapl:0:1/energy_uj')).toBe('1500000');
    expect(read('max_energy_range_uj')).toBe('262143328850');
    expect([...root.entries.keys()]).toEqual([
      'intel-rapl',
      'intel-rapl:0',
      'intel-rapl:0:0',
      'intel-rapl:0:1',
    ]);
    expect(root.entries.get('intel-rapl:0:1')).toEqual({
      kind: 'link',
      target: 'intel-rapl/intel-rapl:0/intel-rapl:0:1',
    });
    expect(fileAt(root, 'intel-rapl/intel-rapl:0/energy_uj')).toMatchObject({ mode: 0o400 });
    expect(fileAt(root, 'intel-rapl/intel-rapl:0/energy_uj').write).toBeUndefined();
  });

  it('takes limits and windows, and refuses what is no number', () => {
    const { limiter, calls, read, write } = powercap();
    expect(read('constraint_0_name')).toBe('long_term');
    expect(read('constraint_0_power_limit_uw')).toBe('95000000');
    write('constraint_0_power_limit_uw', '42500000\n');
    write('constraint_0_time_window_us', '250000');
    write('constraint_1_power_limit_uw', '60000000');
    expect([limiter.longTermW, limiter.windowS, limiter.shortTermW]).toEqual([42.5, 0.25, 60]);
    expect(read('constraint_0_power_limit_uw')).toBe('42500000');
    expect(calls).toEqual(Array.from({ length: 3 }, () => ['settle', 'apply']).flat());
    for (const text of ['', 'x', '-1', '0x10', '1e6']) {
      expect(() => write('constraint_0_power_limit_uw', text)).toThrow('EINVAL');
    }
    expect(() => write('constraint_0_time_window_us', '0')).toThrow('EINVAL');
    write('enabled', '0\n');
    expect([limiter.isEnabled, read('enabled')]).toEqual([false, '0']);
    expect(() => write('enabled', '2')).toThrow('EINVAL');
  });
});
