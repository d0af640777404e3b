/** How operations are carried out: look, then do, then look again. */
import type { Operation } from './operation.ts';

/** An operation whose present state has been read, before anything is changed. */
export interface Prepared {
  readonly operation: Operation;
  /** The world is already as wanted: nothing is to be done. */
  readonly isDone: boolean;
  /** Operations that bring back what is now, in the order in which they are to be carried out. */
  readonly undo: readonly Operation[];
}

/** What an operation did, as read back. */
export interface Effect {
  /** From the first command to the confirmation, ms. */
  readonly elapsedMs: number;
  /** `false`: it was so already. */
  readonly didChange: boolean;
  /** Of a migration, as libvirt tells. */
  readonly downtimeMs?: number;
  readonly transferredBytes?: number;
  /** How it was done where there are several ways, e.g. `min=max` for a frequency. */
  readonly how?: string;
}

export interface OperationLimits {
  /** Ends the waiting; an operation under way is called off where that can be done. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Changes real hosts. Every operation is idempotent: repeating one that is done changes nothing.
 *
 * @throws OperationError, from both `prepare` and `apply`, with a code that says whether trying again may help.
 */
export interface Executor {
  /** The commands that `apply` would run, one a line, for a dry run. Asks no host. */
  commands(operation: Operation): readonly string[];
  /** Reads what the operation would change, and whether it can be done at all. Changes nothing. */
  prepare(operation: Operation, limits?: OperationLimits): Promise<Prepared>;
  /** Does it and reads back that it is so. */
  apply(prepared: Prepared, limits?: OperationLimits): Promise<Effect>;
}
