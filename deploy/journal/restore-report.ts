/** What a restore did, or would do. */
import type { Effect } from '../actions/executor.ts';
import { describeOperation, type Operation } from '../actions/operation.ts';
import type { Goal } from './restore-goals.ts';

/** One operation of a restore. */
export interface RestoreStep {
  readonly operation: Operation;
  /** `would`: not done, since this is a dry run. `already`: it was so. */
  readonly state: 'would' | 'already' | 'done' | 'failed';
  readonly effect?: Effect;
  readonly error?: { readonly code: string; readonly message: string };
}

/** What became of a goal; `gone`: nothing is left to bring back. `kept`: left as it is, as asked. */
export type GoalState = 'would' | 'already' | 'restored' | 'gone' | 'kept' | 'failed' | 'stopped';

export interface RestoredGoal {
  /** What is brought back, for people. */
  readonly what: string;
  readonly kind: Goal['kind'];
  readonly state: GoalState;
  readonly steps: readonly RestoreStep[];
  readonly note?: string;
}

export interface RestoreReport {
  readonly isExecuted: boolean;
  /** In the order in which they were tried. */
  readonly goals: readonly RestoredGoal[];
  /** Numbers of the intents that are undone now. */
  readonly undone: readonly number[];
  /** Numbers of those that are not. */
  readonly left: readonly number[];
}

/** One line for people. */
export function describeGoal(goal: Goal): string {
  switch (goal.kind) {
    case 'wake':
    case 'sleep':
      return describeOperation(goal.operation);
    case 'place': {
      const { vm, host, isRunning } = goal.before;
      return isRunning ? `${vm} runs on ${host}` : `${vm} is on ${host}`;
    }
    case 'setting':
      return describeOperation(goal.operation);
    case 'stop':
      return `${goal.before.vm} is off`;
    case 'cpufreq':
      return `put back cpufreq settings of ${goal.host}`;
  }
}
