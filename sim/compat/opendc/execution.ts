/** How tasks that were placed get their work done; one implementation per scaling policy. */
export interface Execution {
  /** Time at which the next task may end, ms; Infinity when none runs. Never rises by itself. */
  nextMs(): number;
  /** Gets to `nowMs`, at most `nextMs()`, and returns the tasks that end there, in order of start. */
  advance(nowMs: number): readonly RunningTask[];
  start(task: number, host: number, nowMs: number): void;
  /** The host fails: its tasks stop where they are. Returns them in order of start. */
  stopHost(host: number, nowMs: number): readonly number[];
  /** Accounts for everything up to the end of the simulation. */
  finish(endMs: number): void;
}

export interface RunningTask {
  readonly task: number;
  readonly host: number;
}
