import type { GovernorRule } from './rule.ts';

/** Always the fastest P-state (Linux `performance`). */
export const performance: GovernorRule = { name: 'performance', next: () => 0 };
