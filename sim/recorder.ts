/** What a run can tell while it goes on. Every method is optional; none may change the twin. */
export interface Recorder {
  /** A work phase of a task began or ended. */
  workStarted?(task: number, phase: number, timeMs: number): void;
  workEnded?(task: number, phase: number, timeMs: number): void;
  taskDone?(task: number, timeMs: number): void;
  migrationStarted?(vm: number, source: number, target: number, timeMs: number): void;
  /** A transfer of a migration ended; the stages are those of `migrationStage`. */
  migrationRound?(vm: number, stage: number, bytes: number, durationS: number): void;
  vmPaused?(vm: number, host: number, timeMs: number): void;
  vmResumed?(vm: number, host: number, timeMs: number): void;
  migrationEnded?(
    vm: number,
    source: number,
    target: number,
    startMs: number,
    timeMs: number,
  ): void;
  /** A migration ended without moving the VM for good: aborted or broken. */
  migrationDropped?(
    vm: number,
    source: number,
    target: number,
    startMs: number,
    timeMs: number,
  ): void;
  pstateChanged?(host: number, pstate: number, timeMs: number, domain: number): void;
  /**
   * A request came back to its client, `outcome` as in `callOutcome`. Operations are numbered over all
   * applications.
   */
  requestEnded?(operation: number, sentMs: number, outcome: number, timeMs: number): void;
  /** The host's power state changed to `power` (see `hostPower`). */
  powerChanged?(host: number, power: number, timeMs: number): void;
}
