/**
 * Sets each running host's P-state from the demand it will have. The rules are named after Linux's
 * governors but act once a decision, on planned demand and without memory: `ondemand` takes the load
 * as a real number, `conservative` takes one step of the P-state table.
 */
import { z } from 'zod';
import type { Draft } from './draft.ts';

/** The option that every policy has. */
export const frequencyOption = z
  .enum(['performance', 'powersave', 'ondemand', 'conservative', 'none'])
  .default('performance')
  .describe('rule that sets the P-state of each running host; none leaves P-states alone');

export type FrequencyName = z.output<typeof frequencyOption>;

/** From planned load in [0, 1] at `pstate` to the next P-state. */
type PlanRule = (
  load: number,
  pstate: number,
  pstates: number,
  coreMips: (pstate: number) => number,
) => number;

const planRules: Readonly<Record<Exclude<FrequencyName, 'none'>, PlanRule>> = {
  performance: () => 0,
  powersave: (_, __, pstates) => pstates - 1,
  ondemand: (load, _, pstates, coreMips) => {
    if (load > 0.95) return 0;
    const slowest = coreMips(pstates - 1);
    const target = slowest + load * (coreMips(0) - slowest);
    let best = pstates - 1;
    for (let pstate = pstates - 2; pstate >= 0; pstate--) {
      if (Math.abs(coreMips(pstate) - target) < Math.abs(coreMips(best) - target)) best = pstate;
    }
    return best;
  },
  conservative: (load, pstate, pstates) => {
    if (load > 0.8) return Math.max(0, pstate - 1);
    if (load < 0.2) return Math.min(pstates - 1, pstate + 1);
    return pstate;
  },
};

/** The rule of that name; `undefined` for none. */
export function frequencyRule(name: FrequencyName): PlanRule | undefined {
  return name === 'none' ? undefined : planRules[name];
}

/** Load is planned demand / capacity in the present P-state, at most 1. */
export function setFrequencies(draft: Draft, rule: PlanRule | undefined): void {
  if (rule === undefined) return;
  const { cluster } = draft;
  for (let index = 0; index < draft.awakeCount; index++) {
    const host = draft.awake[index]!;
    const pstates = cluster.pstates(host);
    if (pstates === 1 || !cluster.isOn(host)) continue;
    const pstate = cluster.pstate(host);
    const capacityMips = cluster.cores(host) * cluster.coreMips(host, pstate);
    const load = capacityMips > 0 ? Math.min(1, draft.plannedMips[host]! / capacityMips) : 1;
    const next = rule(load, pstate, pstates, (row) => cluster.coreMips(host, row));
    if (next !== pstate) draft.plan.setPstate(host, next);
  }
}
