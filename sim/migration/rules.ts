/**
 * How one VM is live-migrated, beyond rate and dirtying: when pre-copy stops, what happens when it
 * does not get there, and what is copied beside the memory. Defaults are plain pre-copy as SimGrid
 * 3.32 has it; `qemuMigration` holds QEMU's own.
 */

/** What to do with a migration that does not converge or takes too long. */
export type MigrationRemedy = 'goOn' | 'stop' | 'abort' | 'postCopy';

/** Slows the VM's CPU down step by step while it dirties too much (QEMU's auto-converge). */
export interface AutoConverge {
  /** A round counts as too dirty when it leaves more than this fraction of what it sent. */
  readonly trigger: number;
  /** First throttle, the step to the next, and the most, each a fraction of the VM's CPU. */
  readonly initial: number;
  readonly step: number;
  readonly max: number;
}

/** Settings of one VM's live migration. All are optional where a `MigrationSpec` gives them. */
export interface MigrationRules {
  /** Longest stop that pre-copy aims for, s. */
  readonly downtimeLimitS: number;
  /** Transfers of memory before stop-and-copy at the latest; Infinity for no limit. */
  readonly roundsMax: number;
  /** Time from the last byte until the VM runs again, s; the VM is down meanwhile. */
  readonly resumeS: number;
  /** Off when `null`. */
  readonly autoConverge: AutoConverge | null;
  /** A round is stalled when it leaves at least this fraction of what it sent … */
  readonly stallFraction: number;
  /** … and after this many stalled rounds in a row the remedy is taken. */
  readonly stallRounds: number;
  readonly onStall: MigrationRemedy;
  /** Longest time before stop-and-copy, s, and the remedy then. */
  readonly timeoutS: number;
  readonly onTimeout: MigrationRemedy;
  /** `request`: only as a remedy or by an action; `afterFirstRound`; `start`: no pre-copy. */
  readonly postCopy: 'request' | 'afterFirstRound' | 'start';
  /** How long the VM stands still while it changes hosts for post-copy, s. */
  readonly postCopyPauseS: number;
  /** Fraction of its CPU that a VM loses to page faults until post-copy has pulled all memory. */
  readonly postCopySlowdown: number;
  /** Memory bytes per byte sent, from 1 up. */
  readonly compression: number;
  /** Parallel connections: the weight of the transfer among others on a link. */
  readonly channels: number;
  /** Rate of disk copying at most, bytes/s. */
  readonly storageBytesPerS: number;
}

/** SimGrid 3.32: pre-copy without end, 30 ms of downtime. */
export const defaultMigrationRules: MigrationRules = {
  downtimeLimitS: 0.03,
  roundsMax: Infinity,
  resumeS: 0,
  autoConverge: null,
  stallFraction: 1,
  stallRounds: 3,
  onStall: 'goOn',
  timeoutS: Infinity,
  onTimeout: 'abort',
  postCopy: 'request',
  postCopyPauseS: 0.1,
  postCopySlowdown: 0.3,
  compression: 1,
  channels: 1,
  storageBytesPerS: Infinity,
};

/** QEMU's auto-converge parameters (`cpu-throttle-*`, `throttle-trigger-threshold`). */
export const qemuAutoConverge: AutoConverge = { trigger: 0.5, initial: 0.2, step: 0.1, max: 0.99 };

/** QEMU's defaults: 128 MiB/s (`max-bandwidth`), 300 ms (`downtime-limit`), no auto-converge. */
export const qemuMigration = { bytesPerS: 128 * 1024 * 1024, downtimeLimitS: 0.3 } as const;

/** The rules in `spec`, defaults filled in. */
export function migrationRules(spec: Partial<MigrationRules>): MigrationRules {
  const own = Object.keys(defaultMigrationRules) as (keyof MigrationRules)[];
  const given = own.flatMap((key) => (spec[key] === undefined ? [] : [[key, spec[key]]]));
  return { ...defaultMigrationRules, ...(Object.fromEntries(given) as Partial<MigrationRules>) };
}
