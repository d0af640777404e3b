/** Linux `performance`: always the fastest P-state allowed. */
import { fastest } from './frequency-table.ts';
import { governorKind } from './kind.ts';

export const performance = governorKind({
  name: 'performance',
  description: 'always the fastest P-state',
  options: {},
  create: () => ({
    periodMs: 10,
    slots: 0,
    next: fastest,
    steadyMs: (sample) => (sample.pstate === fastest(sample) ? Number.POSITIVE_INFINITY : 0),
  }),
});
