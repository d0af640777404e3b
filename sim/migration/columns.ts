/** Migration settings of all VMs as immutable columns, and what a migration under way goes by. */

import { assert } from '../errors.ts';
import { fillFloat64, fillInt32 } from '../numbers/columns.ts';
import type { Twin } from '../twin.ts';
import { type MigrationRules, migrationRules } from './rules.ts';

/** How live migration behaves for one VM. Rules left out are plain pre-copy; see `rules.ts`. */
export interface MigrationSpec extends Partial<MigrationRules> {
  /** All rules at once, one object for many VMs; those beside it do not count then. */
  readonly rules?: MigrationRules;
  /** Rate cap of each transfer, bytes/s; 0 means no cap and no dirtying by work. */
  readonly bytesPerS: number;
  /** Dirtying rate of one fully busy vCPU as a fraction of `bytesPerS`. */
  readonly dirtyIntensity: number;
  /** Dirtying beside that, whatever the load, as QEMU measures it, bytes/s. Default 0. */
  readonly dirtyBytesPerS?: number;
  /** Most bytes that one round can find dirty. */
  readonly workingSetBytes: number;
  /** Disk that is copied before the memory, bytes. Default 0: disks are shared. */
  readonly storageBytes?: number;
}

/** CPU that copying takes of the hosts at both ends, in proportion to its rate. */
export interface CopyingCores {
  /** Cores at their fastest speed, at the rate `atBytesPerS`. */
  readonly source: number;
  readonly target: number;
  readonly atBytesPerS: number;
}

/** Columns of a `ClusterModel`. */
export interface MigrationModel {
  /** [vms] */
  readonly migrationBytesPerS: Float64Array;
  readonly migrationDirtyIntensity: Float64Array;
  readonly migrationDirtyBytesPerS: Float64Array;
  readonly migrationWorkingSetBytes: Float64Array;
  readonly migrationStorageBytes: Float64Array;
  /** [vms] Index into `migrationRules`, which holds each set of rules once. */
  readonly migrationRule: Int32Array;
  readonly migrationRules: readonly MigrationRules[];
  /** True when some rules have a timeout. */
  readonly migrationTimeouts: boolean;
}

/** @throws InvariantError for rules outside their range. */
export function migrationColumns(specs: readonly MigrationSpec[]): MigrationModel {
  const known = new Map<string, number>();
  const rules: MigrationRules[] = [];
  let last: MigrationRules | undefined;
  let lastIndex = 0;
  const indices = specs.map((spec) => {
    if (last !== undefined && spec.rules === last) return lastIndex;
    const own = spec.rules ?? migrationRules(spec);
    const key = Object.values(own)
      .map((value) => (typeof value === 'object' ? JSON.stringify(value) : String(value)))
      .join();
    const index = known.get(key) ?? rules.push(own) - 1;
    known.set(key, index);
    last = spec.rules;
    lastIndex = index;
    return index;
  });
  rules.forEach(checkRules);
  const column = (pick: (spec: MigrationSpec) => number): Float64Array =>
    fillFloat64(specs.length, (vm) => pick(specs[vm]!));
  return {
    migrationBytesPerS: column((spec) => spec.bytesPerS),
    migrationDirtyIntensity: column((spec) => spec.dirtyIntensity),
    migrationDirtyBytesPerS: column((spec) => spec.dirtyBytesPerS ?? 0),
    migrationWorkingSetBytes: column((spec) => spec.workingSetBytes),
    migrationStorageBytes: column((spec) => spec.storageBytes ?? 0),
    migrationRule: fillInt32(specs.length, (vm) => indices[vm]!),
    migrationRules: rules,
    migrationTimeouts: rules.some(
      ({ timeoutS, onTimeout }) => timeoutS < Infinity && onTimeout !== 'goOn',
    ),
  };
}

function checkRules(rules: MigrationRules): void {
  const { compression, channels, postCopySlowdown, autoConverge, storageBytesPerS } = rules;
  assert(compression >= 1, () => `compression makes ${compression} bytes of one`);
  assert(channels > 0, () => `a transfer has ${channels} channels`);
  assert(storageBytesPerS > 0, () => `disks are copied at ${storageBytesPerS} bytes/s`);
  assert(
    postCopySlowdown >= 0 && postCopySlowdown < 1,
    () => `post-copy takes ${postCopySlowdown} of the CPU`,
  );
  if (autoConverge === null) return;
  assert(
    autoConverge.initial >= 0 && autoConverge.max < 1,
    () => `auto-converge throttles from ${autoConverge.initial} to ${autoConverge.max}`,
  );
}

/** The rules of the migration in slot `flow`. */
export function rulesOf(twin: Twin, flow: number): MigrationRules {
  const { model, state } = twin;
  return model.migrationRules[model.migrationRule[state.migrationVm[flow]!]!]!;
}
