/**
 * A power limit on a VM that computes: its CPU power stays at the limit or up to 1 W below, and the
 * cycles it may not use are spent halted.
 */
import { Budgets } from '../control/budgets.ts';
import { EnergyManager } from '../control/energy-manager.ts';
import { compressorJ, coreIdleW, StrideGate, tickS } from './cpu-machine.ts';

/** One second. */
export interface CpuLimitRow {
  readonly timeS: number;
  readonly limitW: number;
  /** Active power of the VM and power of the whole core, W. */
  readonly vmW: number;
  readonly coreW: number;
  /** Part of the time that the core was halted. */
  readonly halted: number;
}

/** Limits in force from `timeS` on, mW. */
export const cpuLimitCommands: readonly { readonly timeS: number; readonly command: string }[] = [
  { timeS: 3, command: 'cpu0 0 40000' },
  { timeS: 10, command: 'cpu0 0 30000' },
  { timeS: 20, command: 'cpu0 0 20000' },
  { timeS: 34, command: 'cpu0 0 none' },
];

/** Rows of one second each. */
export function cpuLimit(seconds = 42): CpuLimitRow[] {
  const budgets = new Budgets(1);
  const manager = new EnergyManager(budgets);
  const gate = new StrideGate();
  const none = new Float64Array(1);
  const rows: CpuLimitRow[] = [];
  let ran = 0;
  let collectedJ = 0;
  let secondJ = 0;
  let halted = 0;
  for (let tick = 1; tick <= seconds * 1000; tick++) {
    for (const { timeS, command } of cpuLimitCommands) {
      if (timeS * 1000 === tick - 1) budgets.command(command);
    }
    if (gate.next(manager.strides[0]!)) {
      const energyJ = compressorJ(ran++);
      collectedJ += energyJ;
      secondJ += energyJ;
    } else halted++;
    if (tick % manager.periods.collectMs === 0) {
      manager.collect({ cpuJ: [collectedJ], diskJ: none, requests: none });
      collectedJ = 0;
    }
    if (tick % 1000 !== 0) continue;
    const limitW = budgets.get('cpu0', 0);
    const coreW = secondJ + coreIdleW;
    rows.push({ timeS: tick * tickS, limitW, vmW: secondJ, coreW, halted: halted / 1000 });
    secondJ = 0;
    halted = 0;
  }
  return rows;
}
