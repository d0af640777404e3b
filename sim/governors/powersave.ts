import type { GovernorRule } from './rule.ts';

/** Always the slowest P-state allowed (Linux `powersave` of the generic governors). */
export const powersave: GovernorRule = {
  name: 'powersave',
  description: 'always the slowest P-state',
  periodMs: 10,
  slots: 0,
  next: ({ pstates, maxPstate = pstates - 1 }) => maxPstate,
};
