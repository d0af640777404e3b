/** What a case may have. `--without` leaves some out, and so does shrinking. */

export const features = [
  'governors',
  'domains',
  'transitions',
  'sleep',
  'parts',
  'heat',
  'curves',
  'accounting',
  'tasks',
  'applications',
  'traffic',
  'disks',
  'racks',
  'routes',
  'migration-rules',
  'storage',
  'copying',
  'lives',
  'weights',
  'policies',
  'failures',
  'faults',
  'quotas',
  'limits',
  'facility',
] as const;
export type Feature = (typeof features)[number];

export type Without = ReadonlySet<Feature>;
