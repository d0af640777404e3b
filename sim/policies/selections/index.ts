/** VM selection: which VM an overloaded host gives up next. */
import { createMaximumCorrelation } from './maximum-correlation.ts';
import { minimumMigrationTime } from './minimum-migration-time.ts';
import { minimumUtilization } from './minimum-utilization.ts';
import { randomSelection } from './random.ts';
import type { Selection } from './selection.ts';

export type { Selection } from './selection.ts';

/** Names as in Beloglazov & Buyya (2012). */
export const selectionNames = ['mmt', 'mc', 'mu', 'rs'] as const;
export type SelectionName = (typeof selectionNames)[number];

export function createSelection(name: SelectionName): Selection {
  switch (name) {
    case 'mmt':
      return minimumMigrationTime;
    case 'mc':
      return createMaximumCorrelation();
    case 'mu':
      return minimumUtilization;
    case 'rs':
      return randomSelection;
  }
}
