/** What a journal holds, one record a line. */
import type { Effect } from '../actions/executor.ts';
import type { Operation } from '../actions/operation.ts';
import type { Comparison, Decision, Mode } from '../decision.ts';

/** A record without its place in the journal. */
export type Entry =
  /** A controller begins; earlier intents without an end are of one that was killed. */
  | { readonly kind: 'start'; readonly mode: Mode; readonly policy: string; readonly pid: number }
  | { readonly kind: 'decision'; readonly decision: Decision }
  /** Written and on disk before anything is changed; `undo` brings back what was. */
  | {
      readonly kind: 'intent';
      readonly decision: string;
      readonly item: number;
      readonly operation: Operation;
      readonly undo: readonly Operation[];
    }
  /** How the intent with that number ended. */
  | { readonly kind: 'done'; readonly intent: number; readonly effect: Effect }
  | {
      readonly kind: 'failed';
      readonly intent: number;
      readonly code: string;
      readonly message: string;
    }
  /** `restore` has carried out the intent's undo, or found that nothing was left to undo. */
  | { readonly kind: 'undone'; readonly intent: number; readonly note?: string }
  | { readonly kind: 'comparison'; readonly comparison: Comparison }
  /** Something a person should know: a host gone, telemetry frozen, the kill switch. */
  | {
      readonly kind: 'event';
      readonly host?: string;
      readonly code: string;
      readonly message: string;
    }
  | { readonly kind: 'end'; readonly reason: string };

/** Numbers rise by one from 1; `atMs` is wall-clock time, ms since 1970. */
export type JournalRecord = { readonly seq: number; readonly atMs: number } & Entry;
