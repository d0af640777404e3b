/** What of a journal must be at hand: intents that nobody has undone, and the newest of the rest. */
import type { Comparison, Decision } from '../decision.ts';
import type { JournalRecord } from './record.ts';
import { Covered, resourcesOf } from './resources.ts';

type RecordOf<Kind extends JournalRecord['kind']> = JournalRecord & { readonly kind: Kind };
export type IntentRecord = RecordOf<'intent'>;

/** An intent that is not undone, and how it ended; without an end nobody knows. */
export interface IntentState {
  readonly intent: IntentRecord;
  readonly end?: RecordOf<'done'> | RecordOf<'failed'>;
}

/** How much of the past stays in memory; all of it is in the files. */
export const indexLimits = { decisions: 1000, comparisons: 10_000 } as const;

/** Takes records in the order of their numbers. */
export class JournalIndex {
  #intents = new Map<number, IntentState>();
  /** Latest version of each, that decided last at the end. */
  readonly #decisions = new Map<string, RecordOf<'decision'>>();
  readonly #comparisons: Comparison[] = [];
  #start: RecordOf<'start'> | undefined;

  /** A segment begins: of the intents before it, only those count that it repeats. */
  beginSegment(): void {
    this.#intents = new Map();
  }

  take(record: JournalRecord): void {
    switch (record.kind) {
      case 'intent':
        this.#intents.set(record.seq, { intent: record });
        break;
      case 'done':
      case 'failed': {
        const state = this.#intents.get(record.intent);
        if (state !== undefined) this.#intents.set(record.intent, { ...state, end: record });
        break;
      }
      case 'undone':
        this.#intents.delete(record.intent);
        break;
      case 'decision':
        this.#decisions.set(record.decision.id, record);
        if (this.#decisions.size > indexLimits.decisions) this.#forgetDecision();
        break;
      case 'comparison':
        this.#comparisons.push(record.comparison);
        // In bulk: taking the first one off costs as much as the list is long.
        if (this.#comparisons.length > 2 * indexLimits.comparisons) {
          this.#comparisons.splice(0, indexLimits.comparisons);
        }
        break;
      case 'start':
        this.#start = record;
        break;
      case 'end':
        this.#start = undefined;
        break;
      case 'event':
    }
  }

  /** Intents without an end, oldest first: a controller is at it, or was killed. */
  openIntents(): IntentRecord[] {
    return this.toUndo().flatMap(({ intent, end }) => (end === undefined ? [intent] : []));
  }

  /** All that has not been undone, however it ended, oldest first. */
  toUndo(): IntentState[] {
    return [...this.#intents.values()].sort((a, b) => a.intent.seq - b.intent.seq);
  }

  /** Latest version of each of the newest decisions, oldest first. */
  decisions(): Decision[] {
    return [...this.#decisions.values()].map(({ decision }) => decision);
  }

  decision(id: string): Decision | undefined {
    return this.#decisions.get(id)?.decision;
  }

  /** Oldest first. */
  comparisons(): readonly Comparison[] {
    return this.#comparisons.slice(-indexLimits.comparisons);
  }

  /** The controller that has begun and not ended. */
  get start(): RecordOf<'start'> | undefined {
    return this.#start;
  }

  /**
   * Records that a new segment repeats, by number: all without which something could not be undone
   * or ended. An intent that has ended, changed only what older ones had changed before, and is not
   * the last to say where a VM is, is not needed for that: what is left has a bound, which is the
   * number of things there are to set.
   */
  carried(): JournalRecord[] {
    const covered = new Covered();
    const records: JournalRecord[] = this.#start === undefined ? [] : [this.#start];
    const intents = this.toUndo();
    const lastOfVm = new Map<string, number>();
    for (const { intent } of intents) {
      if ('vm' in intent.operation) lastOfVm.set(intent.operation.vm, intent.seq);
    }
    const last = new Set(lastOfVm.values());
    for (const { intent, end } of intents) {
      const isNeeded =
        last.has(intent.seq) || intent.undo.flatMap(resourcesOf).some((one) => !covered.has(one));
      for (const operation of intent.undo) covered.add(operation);
      if (end !== undefined && !isNeeded) continue;
      records.push(intent, ...(end === undefined ? [] : [end]));
    }
    for (const record of this.#decisions.values()) {
      if (['open', 'approved', 'running'].includes(record.decision.state)) records.push(record);
    }
    return records.sort((a, b) => a.seq - b.seq);
  }

  /** The oldest that has come to its end, or the oldest of all. */
  #forgetDecision(): void {
    for (const [id, { decision }] of this.#decisions) {
      if (['open', 'approved', 'running'].includes(decision.state)) continue;
      this.#decisions.delete(id);
      return;
    }
    const [oldest] = this.#decisions.keys();
    this.#decisions.delete(oldest!);
  }
}
