/**
 * Two equal tasks in one VM that may draw 30 W. The host alone can only slow the VM down, so both
 * suffer alike; a guest that keeps energy containers of its own gives them what they are meant to
 * have, within the same total.
 */
import { Budgets } from '../control/budgets.ts';
import { EnergyContainers } from '../control/energy-containers.ts';
import { EnergyManager } from '../control/energy-manager.ts';
import { compressorJ, StrideGate } from './cpu-machine.ts';

/** How a VM's limit is enforced. */
export type Enforcement = 'none' | 'host' | 'guest';

/** Mean power after the loops have settled, W. */
export interface EnforcementRow {
  readonly enforcement: Enforcement;
  readonly taskW: readonly [number, number];
  readonly totalW: number;
}

export const vmLimitW = 30;
/** What the guest gives its tasks; half a watt is left to the host's band. */
export const taskLimitsW = [22, 7.5] as const;
const refreshMs = 100;
const warmUpMs = 10_000;
const measuredMs = 20_000;

/** One row per way of enforcing the limit; with `guest` the host enforces it as well. */
export function guestContainers(): EnforcementRow[] {
  return (['none', 'host', 'guest'] as const).map(measure);
}

function measure(enforcement: Enforcement): EnforcementRow {
  const budgets = new Budgets(1);
  if (enforcement !== 'none') budgets.set('cpu0', 0, vmLimitW * 1000);
  const manager = new EnergyManager(budgets);
  const limits = taskLimitsW.map((watts) =>
    enforcement === 'guest' ? (watts * refreshMs) / 1000 : Infinity,
  );
  const containers = new EnergyContainers(limits);
  const gate = new StrideGate();
  const none = new Float64Array(1);
  const taskJ: [number, number] = [0, 0];
  const ran = [0, 0];
  let last = 1;
  let collectedJ = 0;
  for (let tick = 1; tick <= warmUpMs + measuredMs; tick++) {
    // The guest takes turns among the tasks that may run, and gives the tick up when none may.
    const turn = containers.mayRun(1 - last) ? 1 - last : last;
    if (containers.mayRun(turn) && gate.next(manager.strides[0]!)) {
      const energyJ = compressorJ(ran[turn]!++);
      containers.spend(turn, energyJ);
      collectedJ += energyJ;
      if (tick > warmUpMs) taskJ[turn]! += energyJ;
      last = turn;
    }
    if (tick % refreshMs === 0) containers.refresh();
    if (tick % manager.periods.collectMs !== 0) continue;
    manager.collect({ cpuJ: [collectedJ], diskJ: none, requests: none });
    collectedJ = 0;
  }
  const taskW: [number, number] = [taskJ[0] / (measuredMs / 1000), taskJ[1] / (measuredMs / 1000)];
  return { enforcement, taskW, totalW: taskW[0] + taskW[1] };
}
