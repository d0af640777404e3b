/**
 * Linux `ondemand`: fastest above the threshold, else proportional to load.
 *
 *   load > 0.95 → fastest;  otherwise f = f_min + load × (f_max − f_min), closest table frequency,
 *   the lower one on a tie.
 *
 * Kernel: drivers/cpufreq/cpufreq_ondemand.c, od_update(); threshold 95 is its value with idle
 * micro-accounting, the normal case. Load is the host's mean over cores, where the kernel takes the
 * busiest core of the policy.
 */
import type { GovernorRule } from './rule.ts';

const upThreshold = 0.95;

export const ondemand: GovernorRule = {
  name: 'ondemand',
  description: 'fastest when busy, else proportional to load',
  periodMs: 10,
  slots: 0,
  next: ({ load, pstates, coreMips }) => {
    if (load > upThreshold) return 0;
    const slowest = coreMips(pstates - 1);
    const target = slowest + load * (coreMips(0) - slowest);
    let best = pstates - 1;
    for (let pstate = pstates - 2; pstate >= 0; pstate--) {
      if (Math.abs(coreMips(pstate) - target) < Math.abs(coreMips(best) - target)) best = pstate;
    }
    return best;
  },
};
