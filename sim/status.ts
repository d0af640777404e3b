/** What hosts, VMs, tasks and migrations can be in: the values of the status columns. */
import type { ClusterState } from './state.ts';

/** Values of `hostPower`. */
export const hostPower = {
  off: 0,
  booting: 1,
  on: 2,
  shuttingDown: 3,
  suspending: 4,
  asleep: 5,
  resuming: 6,
  /** Broken until it is repaired; see `faults/`. */
  failed: 7,
} as const;

/** Where a host goes when it is taken out of service: values of `hostDraining`, 0 for nowhere. */
export const drainTo = { off: 1, sleep: 2 } as const;

/** Values of `vmStatus`. */
export const vmStatus = {
  absent: 0,
  pending: 1,
  running: 2,
  paused: 3,
  departed: 4,
  /** Crashed and not ready to be placed yet. */
  restarting: 5,
} as const;

/** Values of `taskStatus`. */
export const taskStatus = { waiting: 0, working: 1, sleeping: 2, done: 3, killed: 4 } as const;

/** Values of `migrationStage`; 0 marks a free slot. */
export const migrationStage = {
  free: 0,
  memory: 1,
  dirty: 2,
  stopAndCopy: 3,
  disk: 4,
  resuming: 5,
  switching: 6,
  postCopy: 7,
} as const;

/** Rows of `migrationOutcomes`. */
export const migrationOutcome = { aborted: 0, failed: 1, vmLost: 2, postCopied: 3 } as const;

/** True while the host is off or asleep. */
export function isDown(state: ClusterState, host: number): boolean {
  const power = state.hostPower[host]!;
  return power === hostPower.off || power === hostPower.asleep;
}

/** True while the host is off, asleep or broken. */
export function isOut(state: ClusterState, host: number): boolean {
  return isDown(state, host) || state.hostPower[host] === hostPower.failed;
}

/** True while the host boots or resumes. */
export function isComingUp(state: ClusterState, host: number): boolean {
  const power = state.hostPower[host]!;
  return power === hostPower.booting || power === hostPower.resuming;
}
