/** Sets each running host's P-state by a governor's rule, from the demand it will have. */
import { z } from 'zod';
import { type GovernorRule, governorNamed } from '../governors/index.ts';
import type { Draft } from './draft.ts';

/** The option that every policy has. */
export const frequencyOption = z
  .enum(['performance', 'powersave', 'ondemand', 'conservative', 'none'])
  .default('performance')
  .describe('rule that sets the P-state of each running host; none leaves P-states alone');

export type FrequencyName = z.output<typeof frequencyOption>;

/** The rule of that name; `undefined` for none. */
export function frequencyRule(name: FrequencyName): GovernorRule | undefined {
  return name === 'none' ? undefined : governorNamed(name, 'frequency');
}

/** Load is planned demand / capacity in the present P-state, at most 1. */
export function setFrequencies(draft: Draft, rule: GovernorRule | undefined): void {
  if (rule === undefined) return;
  const { cluster } = draft;
  for (let index = 0; index < draft.awakeCount; index++) {
    const host = draft.awake[index]!;
    const pstates = cluster.pstates(host);
    if (pstates === 1 || !cluster.isOn(host)) continue;
    const pstate = cluster.pstate(host);
    const cores = cluster.cores(host);
    const capacityMips = cores * cluster.coreMips(host, pstate);
    const next = rule.next({
      load: capacityMips > 0 ? Math.min(1, draft.plannedMips[host]! / capacityMips) : 1,
      cores,
      pstate,
      pstates,
      coreMips: (row) => cluster.coreMips(host, row),
    });
    if (next !== pstate) draft.plan.setPstate(host, next);
  }
}
