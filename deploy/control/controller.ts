/**
 * The loop on real hosts: observe, decide, foretell, guard, act, write down, compare. It changes
 * nothing in mode `shadow`, waits for a person's word in `recommend`, and acts by itself in `act`.
 */
import type { Executor } from '../actions/executor.ts';
import type { Clock } from '../clock.ts';
import type { ClusterSnapshot } from '../cluster/snapshot.ts';
import type { Comparison, Decision, Mode, PlanItem } from '../decision.ts';
import type { Entry } from '../journal/record.ts';
import type { ControllerEvent, Sight } from '../observation/sight.ts';
import { powerBandW } from '../twin/band.ts';
import type { Approvals } from './approvals.ts';
import { carryOut } from './carry-out.ts';

export interface ControllerOptions {
  readonly mode: Mode;
  /** Name of the policy, for the journal. */
  readonly policy: string;
  readonly intervalMs: number;
  /** Looks at all hosts. */
  readonly observe: (signal: AbortSignal) => Promise<Sight>;
  /** What to do, with what is foretold and what the guard says. */
  readonly consider: (
    snapshot: ClusterSnapshot,
    nowMs: number,
  ) => Omit<Decision, 'id' | 'mode' | 'atMs' | 'state'>;
  readonly executor: Executor;
  readonly journal: { append(entry: Entry): number };
  /** Told of every operation that has ended, well or not. */
  readonly onEnd: (item: PlanItem) => void;
  readonly approvals: Pick<Approvals, 'of'>;
  /** Why nothing may be done now, if so: the kill switch. */
  readonly stop: () => string | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Ends after so many decisions. */
  readonly decisionsMax?: number | undefined;
  readonly tell: (news: ControllerNews) => void;
}

/** What the loop tells while it runs. */
export type ControllerNews =
  | { readonly kind: 'sight'; readonly sight: Sight }
  | { readonly kind: 'event'; readonly event: ControllerEvent }
  /** New, or changed: an item began or ended, a person spoke. */
  | { readonly kind: 'decision'; readonly decision: Decision }
  | { readonly kind: 'comparison'; readonly comparison: Comparison };

/** How the loop ended. */
export interface ControllerEnd {
  readonly decisions: number;
  readonly reason: string;
}

/** Comparisons that tell how far the next may be off. */
const comparisonsMax = 120;

/** How often a recommended decision is looked after, ms. */
const approvalPollMs = 500;

/** Runs until the signal, the number of decisions, or a failure that a person must look at. */
export async function control(options: ControllerOptions): Promise<ControllerEnd> {
  const { clock, intervalMs, journal, signal } = options;
  const loop = new Loop(options);
  journal.append({
    kind: 'start',
    mode: options.mode,
    policy: options.policy,
    pid: process.pid,
  });
  const startMs = clock.monotonicMs();
  let reason = 'stopped';
  while (!signal.aborted) {
    await loop.cycle();
    if (loop.decisions >= (options.decisionsMax ?? Infinity)) {
      reason = `${loop.decisions} decisions made`;
      break;
    }
    const sinceMs = clock.monotonicMs() - startMs;
    const nextMs = startMs + (Math.floor(sinceMs / intervalMs) + 1) * intervalMs;
    await loop.waitForWord(nextMs);
  }
  loop.expire();
  journal.append({ kind: 'end', reason });
  return { decisions: loop.decisions, reason };
}

interface Foretold {
  readonly decision: string;
  readonly sinceMs: number;
  readonly powerW: readonly number[];
}

class Loop {
  readonly #options: ControllerOptions;
  /** A recommended decision that nobody has spoken about. */
  #open: Decision | undefined;
  /** What the newest decision says of the intervals after it, W. */
  #foretold: Foretold | undefined;
  /** The newest, oldest first. */
  readonly #comparisons: Comparison[] = [];
  /** Why nothing is done any more. */
  #halt: string | undefined;
  #vms: ReadonlyMap<string, string | null> | undefined;
  decisions = 0;

  constructor(options: ControllerOptions) {
    this.#options = options;
  }

  async cycle(): Promise<void> {
    const { clock, consider, mode, observe, signal, tell } = this.#options;
    const sight = await observe(signal);
    if (signal.aborted) return;
    tell({ kind: 'sight', sight });
    for (const event of sight.events) this.#note(event);
    this.#compare(sight);
    const { snapshot } = sight;
    if (snapshot === undefined) return;
    this.#missVms(snapshot);
    this.expire();
    const nowMs = clock.wallMs();
    const considered = consider(snapshot, nowMs);
    const isOpen = considered.items.some(({ state }) => state === 'planned');
    const state = isOpen && mode !== 'shadow' ? 'open' : 'done';
    const id = decisionId(nowMs, this.decisions++);
    const decision: Decision = { ...considered, id, mode, atMs: nowMs, state };
    this.#record(decision);
    this.#foretold = { decision: id, sinceMs: nowMs, powerW: decision.before.powerW };
    if (!isOpen) return;
    if (mode === 'recommend') this.#open = decision;
    if (mode === 'act') await this.#act(decision);
  }

  /** Until `untilMs` of the monotonic clock; carries out what is approved meanwhile. */
  async waitForWord(untilMs: number): Promise<void> {
    const { approvals, clock, signal } = this.#options;
    while (!signal.aborted) {
      const leftMs = untilMs - clock.monotonicMs();
      if (leftMs <= 0) return;
      const open = this.#open;
      if (open === undefined) {
        await clock.sleep(leftMs, signal);
        continue;
      }
      const word = approvals.of(open.id);
      if (word === undefined) {
        await clock.sleep(Math.min(leftMs, approvalPollMs), signal);
        continue;
      }
      this.#open = undefined;
      if (word.verdict === 'approved') await this.#act({ ...open, state: 'approved' });
      else this.#record(withPlanned(open, 'rejected', 'rejected'));
    }
  }

  /** A recommendation is for the state of the cluster it was made in. */
  expire(): void {
    if (this.#open === undefined) return;
    this.#record(withPlanned(this.#open, 'expired', 'skipped'));
    this.#open = undefined;
  }

  async #act(decision: Decision): Promise<void> {
    const { executor, journal, onEnd, signal, stop, tell } = this.#options;
    const running: Decision = { ...decision, state: 'running' };
    this.#record(running);
    const items = [...running.items];
    const { decision: ended, halt } = await carryOut(running, {
      executor,
      journal,
      signal,
      stop: () =>
        this.#halt ?? stop() ?? (signal.aborted ? 'the controller was stopped' : undefined),
      onItem: (index, item) => {
        items[index] = item;
        if (item.state === 'done' || item.state === 'failed') onEnd(item);
        tell({ kind: 'decision', decision: { ...running, items } });
      },
    });
    this.#record(ended);
    // Of a plan that was done in part nothing was foretold.
    this.#foretold =
      ended.state === 'done'
        ? { decision: ended.id, sinceMs: ended.atMs, powerW: ended.after.powerW }
        : undefined;
    if (halt !== undefined) {
      this.#halt = halt;
      this.#note({
        code: 'halted',
        message: `nothing more is done until it is started anew: ${halt}`,
      });
    }
  }

  #compare({ observedW }: Sight): void {
    const { clock, intervalMs, journal, tell } = this.#options;
    const foretold = this.#foretold;
    this.#foretold = undefined;
    if (foretold === undefined || observedW === undefined) return;
    const { decision, powerW, sinceMs } = foretold;
    const atMs = clock.wallMs();
    // Acting may have taken several intervals.
    const passed = Math.max(1, Math.round((atMs - sinceMs) / intervalMs));
    const predictedW = powerW[passed - 1];
    if (predictedW === undefined) return;
    const bandW = powerBandW(predictedW, this.#comparisons);
    const band = bandW === undefined ? {} : { bandW };
    const comparison: Comparison = { decision, atMs, predictedW, ...band, observedW };
    this.#comparisons.push(comparison);
    if (this.#comparisons.length > comparisonsMax) this.#comparisons.shift();
    journal.append({ kind: 'comparison', comparison });
    tell({ kind: 'comparison', comparison });
  }

  /** Names VMs that ran and are gone: shut down, crashed, or lost with their host. */
  #missVms({ vms }: ClusterSnapshot): void {
    const now = new Map(vms.map(({ name, host }) => [name, host]));
    for (const [name, host] of this.#vms ?? []) {
      if (now.has(name)) continue;
      const where = host === null ? {} : { host };
      this.#note({ ...where, code: 'vm-gone', message: `${name} no longer runs` });
    }
    this.#vms = now;
  }

  #record(decision: Decision): void {
    this.#options.journal.append({ kind: 'decision', decision });
    this.#options.tell({ kind: 'decision', decision });
  }

  #note(event: ControllerEvent): void {
    this.#options.journal.append({ kind: 'event', ...event });
    this.#options.tell({ kind: 'event', event });
  }
}

/** `20261122T061500-0001`: by time, and without characters that a file name or address minds. */
function decisionId(nowMs: number, index: number): string {
  const time = new Date(nowMs).toISOString().replace(/[-:]|\.\d+Z/g, '');
  return `${time}-${String(index + 1).padStart(4, '0')}`;
}

function withPlanned(
  decision: Decision,
  state: Decision['state'],
  itemState: Decision['items'][number]['state'],
): Decision {
  const items = decision.items.map((item) =>
    item.state === 'planned' ? { ...item, state: itemState } : item,
  );
  return { ...decision, state, items };
}
