/** What the service shows of a cluster that it is attached to. */
import type { Approval } from '../control/approvals.ts';
import type { Past } from '../control/guard/rules.ts';
import type { DecisionView, StateView } from './state-view.ts';

/** A cluster, read only but for a person's word on decisions. */
export interface ClusterSource {
  /** Looks for what has come since. @returns Whether there is anything new. */
  refresh(): boolean;
  state(): StateView;
  /** Newest first. */
  decisions(limit: number): readonly DecisionView[];
  decision(id: string): DecisionView | undefined;
  /** What cool-downs count from. */
  readonly past: Past;
  /** The first word on a decision counts. @returns What holds. */
  say(approval: Approval): Approval;
  saidOf(decision: string): Approval | undefined;
  readonly journalBytes: number;
}
