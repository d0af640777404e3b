/**
 * What follows a round of pre-copy. A pure function of the rules and of what the rounds so far were
 * like, so that the twin and the estimate of a migration decide alike.
 */
import type { MigrationRules } from './rules.ts';

/** `round`: send what is dirty; `stop`: stop the VM and send the rest. */
export type Verdict = 'round' | 'stop' | 'abort' | 'postCopy';

/** What a migration remembers from round to round. */
export interface RoundMemory {
  /** Transfers of memory done. */
  readonly rounds: number;
  /** Rounds too dirty for auto-converge since the throttle was last raised. */
  readonly tooDirty: number;
  /** Stalled rounds in a row. */
  readonly stalls: number;
  /** Fraction of its CPU that the VM is denied, in [0, 1). */
  readonly throttle: number;
}

export const firstRound: RoundMemory = { rounds: 0, tooDirty: 0, stalls: 0, throttle: 0 };

/** A transfer that has just ended: what it sent, how long that took, and what got dirty meanwhile. */
export interface RoundFacts {
  /** Memory, bytes before compression. */
  readonly sentBytes: number;
  readonly durationS: number;
  readonly dirtyBytes: number;
  /** Left to send: what was left before − sent + dirty. */
  readonly leftBytes: number;
}

/** Throttle is raised at every second round that is too dirty, as QEMU counts them. */
const tooDirtyRounds = 2;

/** @returns what to do next, and what to remember. */
export function afterRound(
  rules: MigrationRules,
  before: RoundMemory,
  facts: RoundFacts,
): { readonly verdict: Verdict; readonly memory: RoundMemory } {
  const rounds = before.rounds + 1;
  if (facts.leftBytes <= stopThresholdBytes(rules, facts) || rounds >= rules.roundsMax) {
    return { verdict: 'stop', memory: { ...before, rounds } };
  }
  if (rules.postCopy === 'afterFirstRound') {
    return { verdict: 'postCopy', memory: { ...before, rounds } };
  }
  const { throttle, tooDirty } = throttled(rules, before, facts);
  const converging = rules.autoConverge !== null && throttle < rules.autoConverge.max;
  const stalled = !converging && facts.dirtyBytes >= rules.stallFraction * facts.sentBytes;
  const stalls = stalled ? before.stalls + 1 : 0;
  const remedy = stalls >= rules.stallRounds ? rules.onStall : 'goOn';
  const verdict = remedy === 'goOn' ? 'round' : remedy;
  return { verdict, memory: { rounds, tooDirty, stalls, throttle } };
}

/** What the rate of the last transfer can send within the downtime limit, whole bytes. */
function stopThresholdBytes(rules: MigrationRules, facts: RoundFacts): number {
  const { sentBytes, durationS } = facts;
  return durationS > 0 ? wholeBytes((sentBytes / durationS) * rules.downtimeLimitS) : Infinity;
}

function throttled(
  rules: MigrationRules,
  before: RoundMemory,
  facts: RoundFacts,
): { throttle: number; tooDirty: number } {
  const { throttle } = before;
  const { autoConverge } = rules;
  if (autoConverge === null || facts.dirtyBytes <= autoConverge.trigger * facts.sentBytes) {
    return { throttle, tooDirty: before.tooDirty };
  }
  if (before.tooDirty + 1 < tooDirtyRounds) return { throttle, tooDirty: before.tooDirty + 1 };
  const next = throttle === 0 ? autoConverge.initial : throttle + autoConverge.step;
  return { throttle: Math.min(next, autoConverge.max), tooDirty: 0 };
}

/** Whole bytes in `bytes`, where a thousandth less than a whole is taken for rounding. */
export function wholeBytes(bytes: number): number {
  return Math.floor(bytes + 0.001);
}

/** Memory left when a transfer is cut short: what was not sent and what got dirty, at most all. */
export function leftAfterCut(
  leftBytes: number,
  sentBytes: number,
  dirtyBytes: number,
  memoryBytes: number,
): number {
  return Math.min(memoryBytes, Math.max(0, leftBytes - sentBytes) + dirtyBytes);
}
