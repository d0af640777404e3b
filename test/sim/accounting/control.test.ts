import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Budgets } from '../../../sim/accounting/control/budgets.ts';
import {
  adjustStrides,
  initialStrides,
  strideShare,
} from '../../../sim/accounting/control/cpu-stride.ts';
import { DiskThrottle } from '../../../sim/accounting/control/disk-throttle.ts';
import { EnergyContainers } from '../../../sim/accounting/control/energy-containers.ts';
import { EnergyManager } from '../../../sim/accounting/control/energy-manager.ts';
import {
  EnergyScheduler,
  type SchedulerOptions,
} from '../../../sim/accounting/control/energy-scheduler.ts';
import {
  partitionCap,
  temperatureAfterC,
  thermalCapW,
} from '../../../sim/accounting/control/host-cap.ts';
import { seedStream, wordsPerStream } from '../../../sim/numbers/rng.ts';

const tries = (numRuns: number): { readonly seed: number; readonly numRuns: number } => ({
  seed: 7,
  numRuns,
});

/** Tenths from `min` to `max`: whole numbers shrink quickly. */
const tenths = (min: number, max: number): fc.Arbitrary<number> =>
  fc.integer({ min: 10 * min, max: 10 * max }).map((value) => value / 10);

describe('CPU stride', () => {
  it('rises by 20 above the budget, falls by 20 below budget − 1 W, never below its start', () => {
    const strides = initialStrides(4);
    adjustStrides(strides, [10, 9.5, 8.9, 8.9], [9, 10, 10, 10]);
    expect([...strides]).toEqual([520, 500, 500, 500]);
    adjustStrides(strides, [8.5, 0, 0, 0], [9, 9, 9, 9]);
    expect(strides[0]).toBe(520);
    adjustStrides(strides, [7.9, 0, 0, 0], [9, 9, 9, 9]);
    expect([...strides]).toEqual([500, 500, 500, 500]);
    expect(strideShare(1000)).toBe(0.5);
  });

  it('settles in [budget − 1 W, budget] and stays, where one step is less than the band', () => {
    let limited = 0;
    fc.assert(
      fc.property(tenths(5, 60), tenths(3, 39), (fullW, budgetW) => {
        // Near share s = budget / full a step of 20 changes the power by full · s² · 20 / 500.
        fc.pre((budgetW * budgetW * 20) / (500 * fullW) < 0.9 || fullW <= budgetW);
        const strides = initialStrides(1);
        const power = (): number => fullW * strideShare(strides[0]!);
        for (let step = 0; step < 600; step++) adjustStrides(strides, [power()], [budgetW]);
        if (fullW > budgetW) limited++;
        let least = Infinity;
        let most = 0;
        for (let step = 0; step < 50; step++) {
          adjustStrides(strides, [power()], [budgetW]);
          least = Math.min(least, power());
          most = Math.max(most, power());
        }
        expect(most).toBeLessThanOrEqual(budgetW);
        expect(least).toBeGreaterThanOrEqual(Math.min(fullW, budgetW - 1));
      }),
      tries(300),
    );
    expect(limited).toBeGreaterThan(100);
  });
});

describe('disk throttle', () => {
  const perRequestJ = 2.15e-3;
  const windowS = 0.03;

  /** Runs the loop against a disk on which `offered` requests per window wait. */
  function settle(budgetW: number, offered: number, throttle = new DiskThrottle(1)): number[] {
    const powers: number[] = [];
    for (let period = 0; period < 60; period++) {
      const used = Math.min(offered, throttle.allowance(0));
      const powerW = (used * perRequestJ) / windowS;
      powers.push(powerW);
      throttle.adjust(0, powerW, budgetW, used);
    }
    return powers;
  }

  it('moves as the secant rule says', () => {
    const throttle = new DiskThrottle(1);
    const allowances = (powerW: number, times: number): number[] =>
      Array.from({ length: times }, () => {
        throttle.adjust(0, powerW, 1, 100);
        return throttle.allowance(0);
      });
    // From the 100 requests used: steps 1, 4·1/3 + 1 = 2, 4·2/3 + 1 = 3, 5, 7.
    expect(allowances(2, 5)).toEqual([99, 97, 94, 89, 82]);
    // Too far: back by 7/4 + 1 = 2, then on by 4·2/3 + 1 = 3.
    expect(allowances(0.5, 2)).toEqual([84, 87]);
    // Within the dead band nothing moves.
    expect(allowances(1.05, 2)).toEqual([87, 87]);
    throttle.adjust(0, 1, Infinity, 5);
    expect(throttle.allowance(0)).toBe(6000);
  });

  it('reaches any budget within the dead band in at most 14 periods, and stays there', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 25, max: 160 }).map((value) => value / 100),
        fc.integer({ min: 12, max: 60 }),
        (budgetW, offered) => {
          const powers = settle(budgetW, offered);
          for (const powerW of powers.slice(14)) {
            expect(powerW).toBeLessThanOrEqual(budgetW + 0.1);
            const offeredW = (offered * perRequestJ) / windowS;
            if (offeredW > budgetW) expect(powerW).toBeGreaterThanOrEqual(budgetW - 0.1);
          }
        },
      ),
      tries(300),
    );
  });

  it('stays between 1 and 6000 whatever it is told', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(tenths(0, 100), tenths(0, 50), fc.nat(10_000))), (steps) => {
        const throttle = new DiskThrottle(1);
        for (const [powerW, budgetW, used] of steps) {
          throttle.adjust(0, powerW, budgetW, used);
          expect(throttle.allowance(0)).toBeGreaterThanOrEqual(1);
          expect(throttle.allowance(0)).toBeLessThanOrEqual(6000);
          expect(Number.isInteger(throttle.allowance(0))).toBe(true);
        }
      }),
      tries(200),
    );
  });
});

describe('a cap on the host', () => {
  it('is filled by weight up to what each VM asks for', () => {
    // 60 W left for 10, 40 and 40 W at weights 1, 1, 3: 10 + 12.5 + 37.5.
    expect([...partitionCap(100, 40, [10, 40, 40], [1, 1, 3])]).toEqual([10, 12.5, 37.5]);
    expect([...partitionCap(100, 40, [10, 20, 30], [1, 1, 1])]).toEqual([10, 20, 30]);
    expect([...partitionCap(30, 40, [10, 20], [1, 1])]).toEqual([0, 0]);
  });

  it('is used up when more is asked for, and nobody gets more than asked', () => {
    const vm = fc.tuple(tenths(0, 100), tenths(1, 10));
    fc.assert(
      fc.property(fc.array(vm, { minLength: 1, maxLength: 20 }), tenths(0, 300), (vms, capW) => {
        const demands = vms.map(([demand]) => demand);
        const budgets = partitionCap(
          capW,
          0,
          demands,
          vms.map(([, weight]) => weight),
        );
        const asked = demands.reduce((a, b) => a + b, 0);
        const given = budgets.reduce((a, b) => a + b, 0);
        expect(Math.abs(given - Math.min(capW, asked))).toBeLessThanOrEqual(1e-9 * (1 + asked));
        budgets.forEach((budget, index) => {
          expect(budget).toBeLessThanOrEqual(demands[index]!);
          expect(budget).toBeGreaterThanOrEqual(0);
        });
      }),
      tries(300),
    );
  });

  it('from a temperature, just reaches it at the end of the period and never passes it', () => {
    const limit = { ambientC: 25, maxC: 75, resistance: 0.5, capacity: 200 };
    let nowC = 30;
    for (let period = 0; period < 2000; period++) {
      const powerW = Math.min(180, thermalCapW(limit, nowC, 0.2));
      nowC = temperatureAfterC(limit, nowC, powerW, 0.2);
      expect(nowC).toBeLessThanOrEqual(75 + 1e-9);
    }
    // Steady state: (75 − 25) / 0.5 K/W.
    expect(nowC).toBeCloseTo(75, 9);
    expect(thermalCapW(limit, nowC, 0.2)).toBeCloseTo(100, 6);
    expect(thermalCapW(limit, 90, 0.2)).toBe(0);
  });
});

describe('the scheduler', () => {
  const tickS = 0.001;

  /** Runs `ticks` ticks of VMs that draw `powersW` while they run; shares of time and energy. */
  function run(
    powersW: readonly number[],
    options: Omit<SchedulerOptions, 'tickS'>,
    tickets: readonly number[] = powersW.map(() => 10),
    ticks = 100_000,
  ): { readonly time: number[]; readonly watts: number[]; readonly halted: number } {
    const words = new Uint32Array(wordsPerStream);
    seedStream(words, 0, 5, 'scheduler');
    const scheduler = new EnergyScheduler(tickets, { ...options, tickS }, words, 0);
    const runnable = powersW.map(() => 1);
    const time = powersW.map(() => 0);
    let halted = 0;
    for (let tick = 0; tick < ticks; tick++) {
      const vm = scheduler.pick(runnable);
      if (vm >= 0) time[vm]!++;
      else halted++;
      scheduler.account(vm, vm >= 0 ? powersW[vm]! * tickS : 0);
    }
    return {
      time: time.map((count) => count / ticks),
      watts: time.map((count, vm) => (count * powersW[vm]!) / ticks),
      halted: halted / ticks,
    };
  }

  it.each(['lottery', 'stride'] as const)('TIME by %s: CPU time by tickets', (draw) => {
    const { time } = run([20, 60], { mode: 'time', draw }, [10, 30]);
    expect(time[1]! / time[0]!).toBeGreaterThan(2.9);
    expect(time[1]! / time[0]!).toBeLessThan(3.1);
  });

  it.each(['lottery', 'stride'] as const)('EASA by %s: energy by tickets', (draw) => {
    const { watts } = run([20, 60], { mode: 'easa', draw });
    // Effective tickets 1 + 1000/21 and 1 + 1000/61: time 48.6 : 17.4, energy 0.93 : 1.
    const expected = (20 * (1 + 1000 / 21)) / (60 * (1 + 1000 / 61));
    expect(watts[0]! / watts[1]!).toBeGreaterThan(0.97 * expected);
    expect(watts[0]! / watts[1]!).toBeLessThan(1.03 * expected);
  });

  it.each(['lottery', 'stride'] as const)('EASV by %s: between time and energy', (draw) => {
    const { time } = run([20, 60], { mode: 'easv', draw });
    const ratio = time[0]! / time[1]!;
    // Near √(60 / 20) = 1.73; the moving mean and the constants shift it a little.
    expect(ratio).toBeGreaterThan(1.5);
    expect(ratio).toBeLessThan(2);
  });

  it.each(['lottery', 'stride'] as const)('a cap halts the CPU for 1 − c / a (%s)', (draw) => {
    const { watts, halted } = run([40, 40], { mode: 'time', draw, capW: 30 });
    expect(halted).toBeGreaterThan(0.24);
    expect(halted).toBeLessThan(0.26);
    expect(watts[0]! + watts[1]!).toBeGreaterThan(29.6);
    expect(watts[0]! + watts[1]!).toBeLessThan(30.4);
  });

  it('the same seed draws the same VMs; nobody runs when nobody can', () => {
    const options = { mode: 'easa', draw: 'lottery' } as const;
    expect(run([5, 7, 9], options)).toEqual(run([5, 7, 9], options));
    const idle = new EnergyScheduler([1], { ...options, tickS }, new Uint32Array(4).fill(1), 0);
    expect(idle.pick([0])).toBe(-1);
    expect(() => new EnergyScheduler([0], { ...options, tickS }, new Uint32Array(4), 0)).toThrow(
      'VM 0 has 0 tickets',
    );
  });

  it('a VM that slept gets its share, not what it missed', () => {
    const scheduler = new EnergyScheduler(
      [10, 10],
      { mode: 'time', draw: 'stride', tickS },
      new Uint32Array(4),
      0,
    );
    for (let tick = 0; tick < 1000; tick++) scheduler.account(scheduler.pick([1, 0]), 0);
    let second = 0;
    for (let tick = 0; tick < 100; tick++) {
      const vm = scheduler.pick([1, 1]);
      if (vm === 1) second++;
      scheduler.account(vm, 0);
    }
    expect(second).toBeGreaterThanOrEqual(50);
    expect(second).toBeLessThanOrEqual(51);
  });
});

describe('containers in the guest', () => {
  it('stop a task when its budget is spent, and charge an overdraft to the next period', () => {
    const containers = new EnergyContainers([1, Infinity]);
    containers.spend(0, 0.75);
    expect(containers.mayRun(0)).toBe(true);
    containers.spend(0, 0.5);
    expect([containers.mayRun(0), containers.mayRun(1)]).toEqual([false, true]);
    containers.refresh();
    containers.spend(0, 0.75);
    expect(containers.mayRun(0)).toBe(false);
    containers.setBudget(0, 2);
    containers.refresh();
    containers.spend(0, 1.9);
    expect(containers.mayRun(0)).toBe(true);
  });

  it('hold the mean to the budget, whatever the slices', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }).map((value) => value / 100),
        (sliceJ) => {
          const containers = new EnergyContainers([1]);
          let spentJ = 0;
          const periods = 400;
          for (let period = 0; period < periods; period++) {
            for (let slice = 0; slice < 200 && containers.mayRun(0); slice++) {
              containers.spend(0, sliceJ);
              spentJ += sliceJ;
            }
            containers.refresh();
          }
          expect(spentJ / periods).toBeLessThanOrEqual(1 + sliceJ / periods + 1e-9);
          expect(spentJ / periods).toBeGreaterThanOrEqual(1 - sliceJ / periods - 1e-9);
        },
      ),
      tries(100),
    );
  });
});

describe('budgets and the manager', () => {
  it('takes commands, in mW', () => {
    const budgets = new Budgets(3);
    budgets.command('cpu0 2 5000');
    budgets.command(' disk 1 250.5 ');
    expect(budgets.get('cpu0', 2)).toBe(5);
    expect(budgets.get('disk', 1)).toBe(0.2505);
    budgets.command('cpu0 2 none');
    expect(budgets.get('cpu0', 2)).toBe(Infinity);
    for (const [text, message] of [
      ['gpu 1 5', 'expected one of cpu0'],
      ['cpu0 3 5', 'a domain from 0 to 2'],
      ['cpu0 1', 'RESOURCE DOMAIN MILLIWATTS'],
      ['cpu0 1 -4', 'RESOURCE DOMAIN MILLIWATTS'],
      ['cpu0 1 4 5', 'RESOURCE DOMAIN MILLIWATTS'],
    ] as const) {
      expect(() => budgets.command(text)).toThrow(message);
    }
  });

  it('acts on the CPU every 100 ms and on the disk every 200 ms of 20 ms reports', () => {
    const budgets = new Budgets(1);
    budgets.set('cpu0', 0, 1000);
    budgets.set('disk', 0, 1000);
    const manager = new EnergyManager(budgets);
    const seen: [number, number][] = [];
    for (let report = 0; report < 20; report++) {
      // 2 W of CPU and 2 W of disk; 40 requests per 20 ms are 60 per window of 30 ms.
      manager.collect({ cpuJ: [0.04], diskJ: [0.04], requests: [40] });
      seen.push([manager.strides[0]!, manager.throttle.allowance(0)]);
    }
    expect(seen[3]).toEqual([500, 6000]);
    expect(seen[4]).toEqual([520, 6000]);
    expect(seen[9]).toEqual([540, 59]);
    expect(seen[19]).toEqual([580, 57]);
  });

  it('runs at other periods too, but not between collections', () => {
    const periods = { collectMs: 10, cpuMs: 10, diskMs: 30 };
    const budgets = new Budgets(1);
    budgets.set('cpu0', 0, 1);
    const manager = new EnergyManager(budgets, { periods });
    manager.collect({ cpuJ: [1], diskJ: [0], requests: [0] });
    expect(manager.strides[0]).toBe(520);
    const odd = { collectMs: 20, cpuMs: 50, diskMs: 200 };
    expect(() => new EnergyManager(budgets, { periods: odd })).toThrow('a loop of 50 ms');
  });
});
