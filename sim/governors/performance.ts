import type { GovernorRule } from './index.ts';

/** Always the fastest P-state (Linux `performance`). */
export const performance: GovernorRule = { name: 'performance', next: () => 0 };
