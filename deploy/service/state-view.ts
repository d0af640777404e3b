/**
 * What a controller's journal says of the present, as one JSON: what `GET /v1/state` answers and the
 * dashboard shows. Records are taken in one by one, so that following a journal costs only its news.
 */
import type { ClusterSnapshot } from '../cluster/snapshot.ts';
import type { Decision, Mode, PlanItem } from '../decision.ts';
import type { JournalRecord } from '../journal/record.ts';

/** An item as it stands now; `undone`: `restore` has brought back what was. */
export interface ItemView extends PlanItem {
  readonly undone?: true;
}

export interface DecisionView extends Decision {
  readonly items: readonly ItemView[];
}

/** Mean power of all hosts over one interval that ended at `atMs`, W. */
export interface SeriesPoint {
  readonly atMs: number;
  readonly predictedW: number;
  readonly observedW: number;
}

export interface ControllerView {
  readonly mode: Mode;
  readonly policy: string;
  readonly pid: number;
  readonly sinceMs: number;
  /** When and why it ended in good order; absent while it runs, or where it was killed. */
  readonly end?: { readonly atMs: number; readonly reason: string };
}

/** The answer of `GET /v1/state`. Times in ms since 1970. */
export interface StateView {
  readonly atMs: number;
  /** Name of the cluster, where the service knows its file. */
  readonly cluster?: string;
  /** While the file `path` exists nothing is done; where the service knows which file that is. */
  readonly killSwitch?: { readonly isOn: boolean; readonly path: string };
  /** Newest snapshot of the controller, and its age; `null` where there is none yet. */
  readonly snapshot: ClusterSnapshot | null;
  readonly snapshotAgeMs: number | null;
  readonly controller: ControllerView | null;
  readonly mode: Mode | null;
  readonly policy: string | null;
  /** Who may change the cluster now; `null`: nobody. */
  readonly lease: LeaseView | null;
  readonly lastDecision: DecisionView | null;
  /** Decisions that wait for a person, oldest first. */
  readonly open: readonly DecisionView[];
  /** Oldest first, at most `seriesMax`. */
  readonly series: readonly SeriesPoint[];
  /** The journal's newest records, oldest first, at most `tailMax`; decisions by id only. */
  readonly tail: readonly TailRecord[];
  /** Number of the newest record; 0 for an empty journal. */
  readonly seq: number;
}

export interface LeaseView {
  readonly holder: string;
  readonly untilMs?: number;
}

/** A record short enough for a list. */
export type TailRecord =
  | Exclude<JournalRecord, { readonly kind: 'decision' }>
  | {
      readonly seq: number;
      readonly atMs: number;
      readonly kind: 'decision';
      readonly decision: { readonly id: string; readonly state: string; readonly items: number };
    };

/** How much of the past is kept. */
export const stateLimits = { decisions: 1000, series: 2000, tail: 200 } as const;

/** The present of a journal whose records are taken in order. Memory is bounded by `stateLimits`. */
export class JournalFold {
  readonly #decisions = new Map<string, DecisionView>();
  /** Intents whose end is not known yet, and which item each is of. */
  readonly #intents = new Map<number, { readonly decision: string; readonly item: number }>();
  readonly #series: SeriesPoint[] = [];
  readonly #tail: TailRecord[] = [];
  #controller: ControllerView | null = null;
  #seq = 0;

  /** Takes in the next record. One whose number is not higher than those before is left out. */
  take(record: JournalRecord): void {
    if (record.seq <= this.#seq) return;
    this.#seq = record.seq;
    keep(this.#tail, tailRecord(record), stateLimits.tail);
    this.#apply(record);
  }

  get seq(): number {
    return this.#seq;
  }

  /** Newest first. */
  decisions(limit: number): DecisionView[] {
    return [...this.#decisions.values()].reverse().slice(0, limit);
  }

  decision(id: string): DecisionView | undefined {
    return this.#decisions.get(id);
  }

  view(snapshot: ClusterSnapshot | null, lease: LeaseView | null, nowMs: number): StateView {
    const all = [...this.#decisions.values()];
    return {
      atMs: nowMs,
      snapshot,
      snapshotAgeMs: snapshot === null ? null : Math.max(0, nowMs - snapshot.atMs),
      controller: this.#controller,
      mode: this.#controller?.mode ?? null,
      policy: this.#controller?.policy ?? null,
      lease,
      lastDecision: all.at(-1) ?? null,
      open: all.filter(({ state }) => state === 'open'),
      series: [...this.#series],
      tail: [...this.#tail],
      seq: this.#seq,
    };
  }

  #apply(record: JournalRecord): void {
    switch (record.kind) {
      case 'start': {
        const { mode, policy, pid, atMs: sinceMs } = record;
        this.#controller = { mode, policy, pid, sinceMs };
        break;
      }
      case 'end':
        if (this.#controller !== null) {
          const { atMs, reason } = record;
          this.#controller = { ...this.#controller, end: { atMs, reason } };
        }
        break;
      case 'decision':
        this.#decide(record.decision);
        break;
      case 'intent':
        this.#intents.set(record.seq, { decision: record.decision, item: record.item });
        this.#change(record.seq, (item) => ({ ...item, state: 'running' }));
        break;
      case 'done':
        this.#change(record.intent, (item) => ({ ...item, state: 'done', effect: record.effect }));
        break;
      case 'failed': {
        const { code, message } = record;
        this.#change(record.intent, (item) => ({
          ...item,
          state: 'failed',
          error: { code, message },
        }));
        break;
      }
      case 'undone':
        this.#change(record.intent, (item) => ({ ...item, undone: true }));
        this.#intents.delete(record.intent);
        break;
      case 'comparison': {
        const { atMs, predictedW, observedW } = record.comparison;
        keep(this.#series, { atMs, predictedW, observedW }, stateLimits.series);
        break;
      }
      case 'event':
    }
  }

  /** A decision written again replaces what was known of it. */
  #decide(decision: Decision): void {
    this.#decisions.set(decision.id, decision);
    if (this.#decisions.size <= stateLimits.decisions) return;
    const [oldest] = this.#decisions.keys();
    this.#decisions.delete(oldest!);
    for (const [intent, { decision: id }] of this.#intents) {
      if (id === oldest) this.#intents.delete(intent);
    }
  }

  #change(intent: number, edit: (item: ItemView) => ItemView): void {
    const place = this.#intents.get(intent);
    const decision = place === undefined ? undefined : this.#decisions.get(place.decision);
    if (place === undefined || decision === undefined) return;
    const items = decision.items.map((item, index) => (index === place.item ? edit(item) : item));
    this.#decisions.set(decision.id, { ...decision, items });
  }
}

/** The view of a whole journal at once. */
export function stateView(
  records: Iterable<JournalRecord>,
  snapshot: ClusterSnapshot | null,
  lease: LeaseView | null,
  nowMs: number,
): StateView {
  const fold = new JournalFold();
  for (const record of records) fold.take(record);
  return fold.view(snapshot, lease, nowMs);
}

function tailRecord(record: JournalRecord): TailRecord {
  if (record.kind !== 'decision') return record;
  const { seq, atMs, kind, decision } = record;
  return {
    seq,
    atMs,
    kind,
    decision: { id: decision.id, state: decision.state, items: decision.items.length },
  };
}

/** Appends, and drops the oldest beyond `most`. */
function keep<T>(list: T[], item: T, most: number): void {
  list.push(item);
  if (list.length > most) list.shift();
}
