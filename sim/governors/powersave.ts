import type { GovernorRule } from './rule.ts';

/** Always the slowest P-state (Linux `powersave` of the generic governors). */
export const powersave: GovernorRule = {
  name: 'powersave',
  next: ({ pstates }) => pstates - 1,
};
