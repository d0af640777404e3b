import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  activeEnergyJ,
  eventWeightSets,
  fittedWeights,
  idleEnergyJ,
} from '../../../sim/accounting/event-weights.ts';
import { shareIdle } from '../../../sim/accounting/idle-policy.ts';
import { RequestCost, requestsPerPrice } from '../../../sim/accounting/request-cost.ts';
import {
  accessEnergyJ,
  baseEnergyJ,
  byteDevice,
  disks,
  requestS,
} from '../../../sim/accounting/transfer-device.ts';
import { RandomStream } from '../../../sim/index.ts';
import { tries } from '../random-cluster.ts';

describe('CPU energy from events', () => {
  const pd = eventWeightSets['pentium-d'];

  it('idles at 42.5 W (Pentium D) and 12.3 W (Pentium 4), as the published weights do', () => {
    expect(idleEnergyJ(pd, 1)).toBeCloseTo(42.54, 10);
    expect(idleEnergyJ(eventWeightSets['pentium-4'], 1)).toBeCloseTo(12.34, 10);
  });

  it('adds 38.55 W for a core that never halts: 81.1 W in all', () => {
    const active = activeEnergyJ(pd, [3e9, 0, 0, 0, 0, 0, 0]);
    expect(active).toBeCloseTo(38.55, 10);
    expect(active + idleEnergyJ(pd, 1)).toBeCloseTo(81.09, 10);
  });

  it('two VMs at 60 and 40 % for a second: 21.27 J idle each, 23.13 and 15.42 J active', () => {
    const idle = new Float64Array(2);
    shareIdle('even', idleEnergyJ(pd, 1), idle, idle, idle);
    expect([...idle]).toEqual([expect.closeTo(21.27, 10), expect.closeTo(21.27, 10)]);
    const active = [0.6, 0.4].map((part) => activeEnergyJ(pd, [part * 3e9, 0, 0, 0, 0, 0, 0]));
    expect(active).toEqual([expect.closeTo(23.13, 10), expect.closeTo(15.42, 10)]);
    expect(idle[0]! + idle[1]! + active[0]! + active[1]!).toBeCloseTo(81.09, 10);
  });

  it('every event has its weight', () => {
    pd.events.forEach((_, event) => {
      const counts = pd.events.map((__, at) => (at === event ? 1e9 : 0));
      expect(activeEnergyJ(pd, counts)).toBe(pd.eventNj[event]);
    });
    expect(() => activeEnergyJ(pd, [1, 2])).toThrow('2 counts for 7 events');
  });

  it('weights may come from a fit, the TSC first', () => {
    const weights = fittedWeights('mine', 2e9, ['cycles', 'misses'], [5, 7, 11]);
    expect(idleEnergyJ(weights, 3)).toBe(30);
    expect(activeEnergyJ(weights, [1e9, 2e9])).toBe(29);
    expect(() => fittedWeights('mine', 2e9, ['cycles'], [5, -1])).toThrow('a weight of -1 nJ');
  });
});

describe('devices that move bytes', () => {
  const disk = disks['maxtor-measured'];

  it('disk: 2.04 W idle for each of two VMs; 1.846 and 0.462 W for 40 and 10 MB/s', () => {
    expect(baseEnergyJ(disk, 1) / 2).toBeCloseTo(2.0415, 10);
    expect(accessEnergyJ(disk, 40e6, 1000)).toBeCloseTo(1.8463, 4);
    expect(accessEnergyJ(disk, 10e6, 1000)).toBeCloseTo(0.46158, 4);
    // 46.2 nJ per byte as measured, 37.7 by the data sheet.
    expect(accessEnergyJ(disk, 1, 1) * 1e9).toBeCloseTo(46.158, 3);
    expect(accessEnergyJ(disks['maxtor-data-sheet'], 1, 1) * 1e9).toBeCloseTo(37.719, 3);
  });

  it('never more than active power while busy, seeks included', () => {
    const seeking = { ...disk, seekS: 0.0093 };
    const seconds = requestS(seeking, 64 * 1024);
    expect(seconds).toBeCloseTo(0.0093 + 65536 / 57e6, 12);
    expect(accessEnergyJ(seeking, 64 * 1024, 1) + baseEnergyJ(seeking, seconds)).toBeCloseTo(
      seeking.activeW * seconds,
      12,
    );
  });

  it('NIC and DRAM by the byte', () => {
    const nic = byteDevice('nic', 4, 2e-9, 125e6, 'test');
    expect(accessEnergyJ(nic, 1e9, 1e6)).toBeCloseTo(2, 12);
    expect(nic.activeW).toBeCloseTo(4.25, 12);
  });
});

describe('the price of a request', () => {
  it('is the CPU energy of the 128 requests before, and nothing is lost', () => {
    const cost = new RequestCost();
    const base = new Float64Array(2);
    const access = new Float64Array(2);
    cost.period(0.02, 1.28, [100, 28], base, access);
    expect([...access]).toEqual([0, 0]);
    expect(cost.priceJ).toBeCloseTo(0.01, 15);
    expect(cost.leftoverJ).toBeCloseTo(1.28, 15);
    cost.period(0.02, 2.56, [64, 64], base, access);
    expect([...access]).toEqual([expect.closeTo(0.64, 14), expect.closeTo(0.64, 14)]);
    expect(cost.priceJ).toBeCloseTo(0.02, 15);
  });

  it('learns what the driver draws for nobody, and shares that evenly', () => {
    const cost = new RequestCost();
    const base = new Float64Array(2);
    for (let period = 0; period < 10; period++) cost.period(0.02, 0.01, [0, 0], base, base);
    expect(cost.idleW).toBe(0);
    cost.period(0.02, 0.01, [0, 0], base, base);
    expect(cost.idleW).toBeCloseTo(0.5, 15);
    cost.period(0.02, 0.02, [0, 0], base, base);
    expect(cost.idleW).toBeCloseTo((15 * 0.5 + 1) / 16, 15);
    const before = base[0]!;
    cost.period(0.02, 1, [3, 0], base, new Float64Array(2));
    expect(base[0]! - before).toBeCloseTo((cost.idleW * 0.02) / 2, 15);
  });

  it('charged + leftover = metered, whatever comes', () => {
    const period = fc.record({
      cpuJ: fc.double({ min: 0, max: 10, noNaN: true }),
      requests: fc.array(fc.oneof(fc.constant(0), fc.nat(500)), { minLength: 3, maxLength: 3 }),
    });
    fc.assert(
      fc.property(fc.array(period, { maxLength: 60 }), (periods) => {
        const cost = new RequestCost();
        const base = new Float64Array(3);
        const access = new Float64Array(3);
        let meteredJ = 0;
        for (const { cpuJ, requests } of periods) {
          cost.period(0.02, cpuJ, requests, base, access);
          meteredJ += cpuJ;
          let chargedJ = 0;
          for (const joules of [...base, ...access]) chargedJ += joules;
          expect(chargedJ).toBeCloseTo(cost.chargedJ, 9);
          expect(cost.leftoverJ).toBeGreaterThanOrEqual(0);
          expect(Math.abs(chargedJ + cost.leftoverJ - meteredJ)).toBeLessThanOrEqual(
            1e-9 * Math.max(1, meteredJ),
          );
        }
      }),
      tries(300),
    );
  });

  it('settles at the true cost within two calibrations', () => {
    const cost = new RequestCost();
    const random = new RandomStream(3, 'requests');
    const sink = new Float64Array(1);
    for (let served = 0; served < 4 * requestsPerPrice; ) {
      const requests = 1 + random.integer(20);
      cost.period(0.02, requests * 0.5e-3, [requests], sink, sink);
      served += requests;
    }
    expect(cost.priceJ).toBeGreaterThan(0.4e-3);
    expect(cost.priceJ).toBeLessThan(0.6e-3);
  });
});
