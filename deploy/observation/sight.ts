/** What a look at all hosts of a cluster gives. */
import type { ClusterSnapshot } from '../cluster/snapshot.ts';

/** What one look at all hosts gave. */
export interface Sight {
  /** Absent until every host has been read twice, or has failed. */
  readonly snapshot?: ClusterSnapshot;
  /** Power of all hosts over the newest interval, W; absent when it is not known of all. */
  readonly observedW?: number;
  readonly events: readonly ControllerEvent[];
}

/** Something that a person should know. */
export interface ControllerEvent {
  readonly host?: string;
  readonly code: string;
  readonly message: string;
}
