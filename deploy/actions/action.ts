/** What one kind of operation has to say; `executor` does the rest. */
import type { Effect, OperationLimits } from './executor.ts';
import type { Operation } from './operation.ts';
import type { Site, Timings } from './site.ts';

/** Shell commands for one host. */
export interface Step {
  /** A host of the cluster file, or `here` for a command on this machine. */
  readonly host: string;
  readonly commands: string;
}

/** What is so now. */
export interface Look {
  readonly isDone: boolean;
  /** Operations that bring it back. */
  readonly undo: readonly Operation[];
  /** What is so now, for a message: `it has 2 vCPUs`. */
  readonly now: string;
  /** In which of several ways it is done. */
  readonly how?: string;
}

export interface Action<O extends Operation, L extends Look = Look> {
  /** All that is sent, in order. A function of operation and cluster file alone: it is shown in dry runs. */
  steps(operation: O, site: Site): readonly Step[];
  /**
   * Reads what the operation would change. Changes nothing.
   *
   * @throws OperationError when it cannot be done, or not be read.
   */
  look(operation: O, site: Site, limits: OperationLimits): Promise<L>;
  /** How long until a look must find it done. */
  settleMs(timings: Timings): number;
  /** In place of sending the steps and looking until it is done. */
  carryOut?(
    operation: O,
    look: L,
    site: Site,
    limits: OperationLimits,
  ): Promise<Omit<Effect, 'elapsedMs' | 'didChange'>>;
}
