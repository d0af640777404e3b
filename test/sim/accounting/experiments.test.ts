import { describe, expect, it } from 'vitest';
import { blockSizeSweep, cpuLimit, diskLimits, guestContainers } from '../../../sim/index.ts';

describe('disk stress by block size', () => {
  const rows = blockSizeSweep(1);
  const [first, last] = [rows[0]!, rows.at(-1)!];

  it('the driver’s CPU falls from about 9 W at 0.5 KiB to about 1 W at 32 KiB', () => {
    expect(Math.round(first.driverActiveW)).toBe(9);
    expect(Math.round(last.driverActiveW)).toBe(1);
    rows.slice(1).forEach((row, index) => {
      expect(row.driverActiveW).toBeLessThan(rows[index]!.driverActiveW);
    });
  });

  it('the CPU for a small request costs more than the disk; for a large one less', () => {
    expect(first.driverActiveW).toBeGreaterThan(10 * first.diskActiveW);
    expect(last.driverActiveW).toBeLessThan(last.diskActiveW);
  });

  it('the disk saturates: its last doublings add ever less, below 2.63 W', () => {
    const steps = rows.slice(1).map((row, index) => row.diskActiveW - rows[index]!.diskActiveW);
    expect(steps.at(-1)!).toBeLessThan(steps.at(-2)!);
    expect(steps.at(-2)!).toBeLessThan(steps.at(-3)!);
    expect(last.diskActiveW).toBeLessThan(6.714 - 4.083);
    expect(last.diskActiveW).toBeGreaterThan(0.9 * (6.714 - 4.083));
  });

  it('the parts sum to the meter in every row, and the only client pays for nearly all', () => {
    for (const row of rows) {
      const parts =
        row.driverIdleW +
        row.clientIdleW +
        row.driverActiveW +
        row.clientActiveW +
        row.diskIdleW +
        row.diskActiveW;
      expect(Math.abs(parts + row.unattributedW - row.meterW)).toBeLessThan(1e-9 * row.meterW);
      // Meters scatter by 1 %; a mean over 200 periods by far less.
      expect(Math.abs(row.unattributedW)).toBeLessThan(0.002 * row.meterW);
      // What is not billed is the price of fewer than 256 requests of the driver.
      expect(parts - row.clientBillW).toBeGreaterThanOrEqual(-1e-9);
      expect(parts - row.clientBillW).toBeLessThan(0.06);
    }
  });
});

describe('disk limits that change at run time', () => {
  const rows = diskLimits(1);
  const between = (fromS: number, untilS: number) =>
    rows.filter(({ timeS }) => timeS > fromS + 1e-9 && timeS < untilS + 1e-9);

  it('are met within 10 periods of 200 ms, and kept within the dead band', () => {
    for (const [fromS, untilS] of [
      [4, 12],
      [12, 20],
      [20, 28],
    ] as const) {
      for (const { limitW, powerW } of between(fromS + 10 * 0.2, untilS)) {
        for (const vm of [0, 1]) {
          expect(powerW[vm]!).toBeLessThanOrEqual(limitW[vm]! + 0.1);
        }
      }
      for (const vm of [0, 1]) {
        const settled = between(fromS + 2, untilS).map(({ powerW }) => powerW[vm]!);
        const mean = settled.reduce((sum, watts) => sum + watts, 0) / settled.length;
        expect(Math.abs(mean - between(fromS, untilS)[0]!.limitW[vm]!)).toBeLessThan(0.1);
      }
    }
  });

  it('of one VM leave the other’s throughput alone', () => {
    const mean = (fromS: number, untilS: number): number => {
      const values = between(fromS, untilS).map(({ megabytesPerS }) => megabytesPerS[1]!);
      return values.reduce((sum, value) => sum + value, 0) / values.length;
    };
    const before = mean(8, 12);
    for (const [fromS, untilS] of [
      [14, 20],
      [22, 28],
      [30, 36],
    ] as const) {
      expect(Math.abs(mean(fromS, untilS) / before - 1)).toBeLessThan(0.01);
    }
  });
});

describe('a CPU limit', () => {
  it('holds to ±1 W once the stride has got there, and what is not used is halted', () => {
    for (const { timeS, limitW, vmW, coreW, halted } of cpuLimit()) {
      expect(coreW - vmW).toBeCloseTo(42.54, 9);
      const settled = (timeS > 4 && timeS <= 10) || (timeS > 12 && timeS <= 20) || timeS > 23;
      if (limitW === Infinity) continue;
      expect(halted).toBeGreaterThan(0.1);
      if (!settled) continue;
      expect(vmW).toBeLessThanOrEqual(limitW + 1);
      expect(vmW).toBeGreaterThanOrEqual(limitW - 1);
    }
  });

  it('lifted, lets the VM run as before', () => {
    const rows = cpuLimit();
    expect(rows[2]!.halted).toBe(0);
    expect(rows.at(-1)!.halted).toBe(0);
    expect(Math.abs(rows.at(-1)!.vmW / rows[0]!.vmW - 1)).toBeLessThan(0.02);
  });
});

it('guest containers split the same total differently', () => {
  const [none, host, guest] = guestContainers();
  expect(none!.totalW).toBeGreaterThan(50);
  expect(Math.abs(host!.totalW - guest!.totalW)).toBeLessThan(1);
  for (const row of [host!, guest!]) {
    expect(row.totalW).toBeLessThanOrEqual(30);
    expect(row.totalW).toBeGreaterThanOrEqual(29);
  }
  expect(Math.abs(host!.taskW[0] - host!.taskW[1])).toBeLessThan(0.05);
  expect(Math.abs(guest!.taskW[0] - 22)).toBeLessThan(0.1);
  expect(Math.abs(guest!.taskW[1] - 7.5)).toBeLessThan(0.1);
});
