/**
 * Linux `conservative`, one P-state at a time: faster above 80 % load, slower below 20 %.
 * Kernel: drivers/cpufreq/cpufreq_conservative.c, cs_dbs_update(); its frequency step of 5 % is
 * taken as one table entry.
 */
import type { GovernorRule } from './rule.ts';

const upThreshold = 0.8;
const downThreshold = 0.2;

export const conservative: GovernorRule = {
  name: 'conservative',
  description: 'one P-state at a time',
  periodMs: 10,
  slots: 0,
  next: ({ load, pstate, pstates }) => {
    if (load > upThreshold) return Math.max(0, pstate - 1);
    if (load < downThreshold) return Math.min(pstates - 1, pstate + 1);
    return pstate;
  },
};
