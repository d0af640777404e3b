/** Linux `powersave` of the generic governors: always the slowest P-state allowed. */
import { slowest } from './frequency-table.ts';
import { governorKind } from './kind.ts';

export const powersave = governorKind({
  name: 'powersave',
  description: 'always the slowest P-state',
  options: {},
  create: () => ({
    periodMs: 10,
    slots: 0,
    next: slowest,
    steadyMs: (sample) => (sample.pstate === slowest(sample) ? Number.POSITIVE_INFINITY : 0),
  }),
});
