import type { GovernorRule } from './rule.ts';

/** Always the fastest P-state allowed (Linux `performance`). */
export const performance: GovernorRule = {
  name: 'performance',
  description: 'always the fastest P-state',
  periodMs: 10,
  slots: 0,
  next: ({ minPstate = 0 }) => minPstate,
};
