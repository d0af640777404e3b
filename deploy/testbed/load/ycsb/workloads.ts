/**
 * YCSB's core workloads, by its published definitions (Cooper et al., SoCC 2010, and its files
 * `workloads/workload[a-f]`). Workload E scans ranges, which Redis hashes cannot; it is left out.
 */
import type { KeyDistribution } from './key-choice.ts';

/** What a client may ask for. */
export const operationKinds = ['read', 'update', 'insert', 'read-modify-write'] as const;
export type OperationKind = (typeof operationKinds)[number];

export interface Workload {
  readonly description: string;
  /** Shares of the operations; their sum is 1. */
  readonly mix: Readonly<Partial<Record<OperationKind, number>>>;
  readonly keys: KeyDistribution;
}

export const workloads = {
  a: { description: 'update heavy: sessions', mix: { read: 0.5, update: 0.5 }, keys: 'zipfian' },
  b: { description: 'read mostly: tags', mix: { read: 0.95, update: 0.05 }, keys: 'zipfian' },
  c: { description: 'read only: profiles', mix: { read: 1 }, keys: 'zipfian' },
  d: { description: 'read latest: news', mix: { read: 0.95, insert: 0.05 }, keys: 'latest' },
  f: {
    description: 'read, modify, write: records of users',
    mix: { read: 0.5, 'read-modify-write': 0.5 },
    keys: 'zipfian',
  },
} as const satisfies Readonly<Record<string, Workload>>;

export type WorkloadName = keyof typeof workloads;

export const workloadNames = Object.keys(workloads) as WorkloadName[];

/** How many records of which size; YCSB's defaults are 1000 of 10 fields of 100 bytes. */
export interface RecordShape {
  readonly records: number;
  readonly fields: number;
  readonly fieldBytes: number;
}

export const ycsbShape: RecordShape = { records: 1000, fields: 10, fieldBytes: 100 };
