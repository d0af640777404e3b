import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../sim/errors.ts';
import { calibrateCore, corePowerW, leakageW, voltageAt } from '../../../sim/power/cmos.ts';
import {
  type ComponentHost,
  compileComponent,
  componentParts,
  componentPowerW,
  flattenPoint,
  type OperatingPoint,
  uniformPoint,
  writeComponentPowerW,
} from '../../../sim/power/components.ts';
import {
  diskBusyFraction,
  fanSpeed,
  maxtorDiamondMax,
  psuEfficiency,
  psuLossFraction,
} from '../../../sim/power/devices.ts';

/** Numbers that make arithmetic easy: 2 × 4 cores, 1 W per V²·GHz, 1 A of leakage per V at 60 °C. */
const plain: ComponentHost = {
  packages: 2,
  coresPerPackage: 4,
  voltage: { frequenciesHz: [1e9, 2e9, 3e9], volts: [0.8, 0.8, 1.2] },
  sharedVoltage: false,
  core: { capacitanceF: 1e-9, leakageA: 1, referenceV: 1, referenceC: 60, leakagePerK: 0.02 },
  idleRelativePower: 0.25,
  uncore: { lowW: 10, highW: 20, sleepW: 4 },
  dram: { gib: 64, idleWPerGib: 0.25, joulesPerByte: 5e-10 },
  disk: { ...maxtorDiamondMax, count: 2 },
  nic: { idleW: 5, joulesPerByte: 1e-8 },
  fan: { fullW: 64, speedMin: 0.5, lowC: 40, highC: 80 },
  psu: { count: 2, ratedW: 500, efficiency: psuEfficiency.platinum },
  baseW: 30,
};

describe('a core', () => {
  it('costs a C V² f plus leakage, which grows e-fold in 50 K', () => {
    // 0.5 · 1e-9 · 1.44 · 3e9 + 1.2 · 1.2
    expect(corePowerW(plain.core, 0.5, 3e9, 1.2, 60)).toBeCloseTo(2.16 + 1.44, 12);
    expect(leakageW(plain.core, 1, 110) / leakageW(plain.core, 1, 60)).toBeCloseTo(Math.E, 12);
  });

  it('has the voltage of its points, straight between, flat outside', () => {
    const volts = [0.5e9, 1e9, 1.5e9, 2e9, 2.5e9, 3e9, 4e9].map((hz) =>
      voltageAt(plain.voltage, hz),
    );
    expect(volts).toEqual([0.8, 0.8, 0.8, 0.8, 1, 1.2, 1.2]);
  });

  it('draws its full power at the point it was calibrated at', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.5, max: 50, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 5e8, max: 5e9, noNaN: true }),
        fc.double({ min: 0.6, max: 1.5, noNaN: true }),
        (fullW, leak, hz, volts) => {
          const core = calibrateCore(fullW, leak, hz, volts, 70);
          expect(corePowerW(core, 1, hz, volts, 70) / fullW).toBeCloseTo(1, 12);
          expect(leakageW(core, volts, 70)).toBeCloseTo(leak * fullW, 10);
        },
      ),
      { seed: 1, numRuns: 500 },
    );
  });
});

describe('devices', () => {
  it('a Maxtor disk streams 57 MB/s and positions 107 times a second at most', () => {
    expect(diskBusyFraction(maxtorDiamondMax, 28.5e6, 0)).toBe(0.5);
    expect(diskBusyFraction(maxtorDiamondMax, 0, 50)).toBeCloseTo(0.465, 12);
    expect(diskBusyFraction(maxtorDiamondMax, 57e6, 100)).toBe(1);
    // The marginal energy of a byte: (6.714 − 4.083) W / 57 MB/s = 46.2 nJ.
    const { activeW, idleW, bytesPerS } = maxtorDiamondMax;
    expect((activeW - idleW) / bytesPerS).toBeCloseTo(46.2e-9, 10);
  });

  it('fans turn on a straight line between two temperatures', () => {
    expect([20, 40, 60, 80, 99].map((c) => fanSpeed(0.5, 40, 80, c))).toEqual([
      0.5, 0.5, 0.75, 1, 1,
    ]);
  });

  it.each(Object.entries(psuEfficiency))(
    'a %s supply has its efficiency at its points',
    (_, efficiency) => {
      for (const [load, ratio] of efficiency) {
        const baseW = load * 1000;
        const bare = {
          ...plain,
          core: { ...plain.core, capacitanceF: 0, leakageA: 0 },
          uncore: { lowW: 0, highW: 0 },
          dram: { gib: 0, idleWPerGib: 0, joulesPerByte: 0 },
          disk: { ...maxtorDiamondMax, count: 0 },
          nic: { idleW: 0, joulesPerByte: 0 },
          fan: { ...plain.fan, fullW: 0 },
          psu: { count: 2, ratedW: 500, efficiency },
          baseW,
        };
        const { total, psuLoss } = componentPowerW(bare, uniformPoint(plain, 1e9, 0, 50));
        expect(baseW / total).toBeCloseTo(ratio, 12);
        expect(psuLoss).toBeCloseTo(1000 * psuLossFraction(load, ratio), 9);
      }
    },
  );
});

describe('a whole host', () => {
  it('by hand: one package at half load and 2.5 GHz, the other asleep at 1 GHz', () => {
    const point: OperatingPoint = {
      domains: [
        { cores: 2, frequencyHz: 2.5e9, busyFraction: 0.5 },
        { cores: 2, frequencyHz: 1e9, busyFraction: 0, idleRelativePower: 0 },
        { cores: 4, frequencyHz: 1e9, busyFraction: 0 },
      ],
      temperatureC: 60,
      dramBytesPerS: 4e9,
      diskBusy: 0.5,
      nicBytesPerS: 1e8,
    };
    const power = componentPowerW(plain, point);
    // 1 V: 2.5 + 1 = 3.5 W busy; 0.8 V at 1 GHz: 0.64 + 0.64 = 1.28 W.
    expect(power.core).toBeCloseTo(2 * 3.5 * (0.5 + 0.5 * 0.25) + 4 * 1.28 * 0.25, 12);
    // Awake at 2.5 GHz: 10 + 0.75 · 10; asleep a quarter of the time; the other one always.
    expect(power.uncore).toBeCloseTo(0.75 * 17.5 + 0.25 * 4 + 4, 12);
    expect(power.dram).toBeCloseTo(16 + 2, 12);
    expect(power.disk).toBeCloseTo(2 * (4.083 + 0.5 * 2.631), 12);
    expect(power.nic).toBeCloseTo(6, 12);
    // Half way from 40 to 80 °C: speed 0.75, cubed.
    expect(power.fan).toBeCloseTo(27, 12);
    expect(power.base).toBe(30);
    const insideW = power.total - power.psuLoss;
    const load = insideW / 1000;
    // The first line of losses, from 20 to 50 % load, goes on below.
    const [low, high] = [0.2 * (1 / 0.9 - 1), 0.5 * (1 / 0.94 - 1)];
    expect(power.psuLoss).toBeCloseTo(1000 * (low + ((load - 0.2) / 0.3) * (high - low)), 9);
  });

  it('with shared voltage pays the fastest core of the package, not of the other one', () => {
    const point: OperatingPoint = {
      domains: [
        { cores: 1, frequencyHz: 3e9, busyFraction: 0 },
        { cores: 3, frequencyHz: 1e9, busyFraction: 1 },
        { cores: 4, frequencyHz: 1e9, busyFraction: 1 },
      ],
      temperatureC: 60,
    };
    const { core } = componentPowerW({ ...plain, sharedVoltage: true }, point);
    // 1.44 V²: 3 + 1 for the idle fast core, 1 + 1 for its busy slow neighbours; 0.64 V² there.
    expect(core).toBeCloseTo(1.44 * 4 * 0.25 + 3 * 1.44 * 2 + 4 * 0.64 * 2, 12);
  });

  it('does not care how equal cores are divided into domains', () => {
    const whole = componentPowerW(plain, uniformPoint(plain, 1.7e9, 0.3, 55));
    for (const sizes of [
      [1, 1, 1, 1, 1, 1, 1, 1],
      [4, 4],
      [3, 5],
      [2, 6],
    ]) {
      const domains = sizes.map((cores) => ({ cores, frequencyHz: 1.7e9, busyFraction: 0.3 }));
      const split = componentPowerW(plain, { domains, temperatureC: 55 });
      for (const part of componentParts) expect(split[part]).toBeCloseTo(whole[part], 10);
    }
  });

  const fraction = fc.double({ min: 0, max: 1, noNaN: true });
  const points = fc.record({
    domains: fc.array(
      fc.record({
        cores: fc.constant(1),
        frequencyHz: fc.double({ min: 5e8, max: 4e9, noNaN: true }),
        busyFraction: fraction,
      }),
      { minLength: 8, maxLength: 8 },
    ),
    temperatureC: fc.double({ min: 10, max: 100, noNaN: true }),
    dramBytesPerS: fc.double({ min: 0, max: 1e11, noNaN: true }),
    diskBusy: fraction,
    nicBytesPerS: fc.double({ min: 0, max: 1e10, noNaN: true }),
  });

  it('is the sum of its parts, bounded by the efficiencies of its supply', () => {
    fc.assert(
      fc.property(points, fc.boolean(), (point, sharedVoltage) => {
        const power = componentPowerW({ ...plain, sharedVoltage }, point);
        const sum = componentParts.slice(0, -1).reduce((total, part) => total + power[part], 0);
        expect(power.total).toBeCloseTo(sum, 9);
        for (const part of componentParts) expect(power[part]).toBeGreaterThanOrEqual(0);
        expect((power.total - power.psuLoss) / power.total).toBeLessThanOrEqual(0.94 + 1e-12);
      }),
      { seed: 4, numRuns: 2000 },
    );
  });

  it('never draws less when something does more: load, frequency, heat, bytes', () => {
    fc.assert(
      fc.property(points, fc.boolean(), fraction, fc.nat(7), (point, sharedVoltage, more, core) => {
        const host = { ...plain, sharedVoltage };
        const base = componentPowerW(host, point).total;
        const grown = (change: Partial<OperatingPoint>): number =>
          componentPowerW(host, { ...point, ...change }).total;
        const withCore = (change: (domain: OperatingPoint['domains'][number]) => object) =>
          point.domains.map((domain, index) =>
            index === core ? { ...domain, ...change(domain) } : domain,
          );
        const raised = [
          grown({
            domains: withCore(({ busyFraction: b }) => ({ busyFraction: b + more * (1 - b) })),
          }),
          grown({ domains: withCore(({ frequencyHz: f }) => ({ frequencyHz: f * (1 + more) })) }),
          grown({ temperatureC: point.temperatureC + 20 * more }),
          grown({ dramBytesPerS: point.dramBytesPerS * (1 + more) }),
          grown({ diskBusy: point.diskBusy + more * (1 - point.diskBusy) }),
          grown({ nicBytesPerS: point.nicBytesPerS * (1 + more) }),
        ];
        for (const total of raised) expect(total).toBeGreaterThanOrEqual(base - 1e-9);
      }),
      { seed: 9, numRuns: 2000 },
    );
  });

  it('can be evaluated again and again in place', () => {
    const [parameters, out] = [compileComponent(plain), new Float64Array(9)];
    const busy = flattenPoint(uniformPoint(plain, 3e9, 1, 60));
    const idle = flattenPoint(uniformPoint(plain, 1e9, 0, 60));
    const first = writeComponentPowerW(parameters, busy, out);
    writeComponentPowerW(parameters, idle, out);
    expect(writeComponentPowerW(parameters, busy, out)).toBe(first);
    expect(out[8]).toBe(first);
  });
});

describe('refused', () => {
  it.each([
    ['packages', { packages: 0 }],
    ['voltage', { voltage: { frequenciesHz: [1e9], volts: [1] } }],
    ['voltage.volts[1]', { voltage: { frequenciesHz: [1e9, 2e9], volts: [1, 0.9] } }],
    ['core.leakageA', { core: { ...plain.core, leakageA: -1 } }],
    ['uncore[2]', { uncore: { lowW: 10, highW: 5 } }],
    ['disk.activeW', { disk: { ...plain.disk, activeW: 1 } }],
    ['dram.gib', { dram: { ...plain.dram, gib: Number.NaN } }],
    ['fan.speedMin[1]', { fan: { ...plain.fan, speedMin: 1.5 } }],
    ['baseW', { baseW: Number.POSITIVE_INFINITY }],
    [
      'psu.efficiency',
      {
        psu: {
          ...plain.psu,
          efficiency: [
            [0.2, 0.9],
            [0.5, 1.2],
          ],
        },
      },
    ],
    [
      'psu.efficiency',
      {
        psu: {
          ...plain.psu,
          efficiency: [
            [0.2, 0.5],
            [0.3, 0.99],
          ],
        },
      },
    ],
    ['psu.efficiency', { psu: { ...plain.psu, efficiency: [[0.2, 0.9]] } }],
  ] satisfies readonly (readonly [string, Partial<ComponentHost>])[])('%s', (path, change) => {
    const compile = (): unknown => compileComponent({ ...plain, ...change });
    expect(compile).toThrow(InputError);
    expect(compile).toThrow(`component.${path}`);
  });
});
