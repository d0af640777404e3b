/** A decision: what was to be done, what the twin foretold, what was allowed, and what came of it. */
import type { Effect } from './actions/executor.ts';
import type { Operation } from './actions/operation.ts';

/** What the twin foretells of the time until the horizon. */
export interface Prediction {
  readonly horizonS: number;
  /** Of all hosts, those that are off included. */
  readonly energyJ: number;
  readonly meanW: number;
  /** Mean power of each interval until the horizon, W. */
  readonly powerW: readonly number[];
  /** CPU time asked for and not delivered, vCPU·s. */
  readonly lostVcpuS: number;
  /** The objective's value, kWh-equivalents. */
  readonly cost: number;
  readonly hosts: readonly {
    readonly host: string;
    readonly meanW: number;
    /** Highest over the intervals, of the capacity at its frequency then; may pass 1: demand, not use. */
    readonly peakUtilization: number;
  }[];
}

/** What one item adds: the plan with it less the plan without it. */
export interface ItemForecast {
  /** Energy until the horizon; negative saves, J. */
  readonly energyJ: number;
  readonly lostVcpuS: number;
  /** Of a migration: until it is done, and how long the VM stands still. */
  readonly durationS?: number;
  readonly downtimeS?: number;
}

/** Why something is not done: the rule that forbids it, and a sentence. */
export interface Refusal {
  readonly rule: string;
  readonly reason: string;
}

export type ItemState =
  | 'planned'
  | 'refused'
  | 'rejected'
  | 'running'
  | 'done'
  | 'failed'
  | 'skipped';

export interface PlanItem {
  readonly operation: Operation;
  readonly forecast?: ItemForecast;
  readonly state: ItemState;
  readonly refusal?: Refusal;
  readonly effect?: Effect;
  /** Code and message of what went wrong. */
  readonly error?: { readonly code: string; readonly message: string };
}

export type Mode = 'shadow' | 'recommend' | 'act';

export interface Decision {
  /** Sorts by time. */
  readonly id: string;
  readonly atMs: number;
  readonly mode: Mode;
  readonly policy: string;
  /** If nothing of this plan is done. */
  readonly before: Prediction;
  /** If all that is allowed is done. */
  readonly after: Prediction;
  readonly items: readonly PlanItem[];
  /** Why there is nothing to do, where there is nothing. */
  readonly nothing?: string;
  readonly state: 'open' | 'approved' | 'rejected' | 'running' | 'done' | 'failed' | 'expired';
}

/** What was foretold and what was then seen. */
export interface Comparison {
  readonly decision: string;
  readonly atMs: number;
  /** Mean power of all hosts over one interval, W. */
  readonly predictedW: number;
  /** Four of five observations were to lie this near to it, W; absent while too few were compared. */
  readonly bandW?: number;
  readonly observedW: number;
}
