/**
 * One case: a random cluster, a random story, and all that must hold. The story is lived several
 * times over: with every check after every event; from the start again, plainly, through a snapshot;
 * by a fork taken half-way; and with the fused trace tick switched off. All must end in the same bytes.
 */
import {
  advance,
  type ClusterModel,
  checkInvariants,
  decodeSnapshot,
  encodeSnapshot,
  Twin,
} from '../../sim/index.ts';
import { CheckError, checkColumns, HangGuard, PlainMeters } from './checks.ts';
import { randomCluster } from './cluster.ts';
import type { Without } from './features.ts';
import { act, type Deed, randomStory } from './story.ts';

export interface CaseOptions {
  readonly without?: Without;
  /** Which deeds of the story happen, by index; the time of the others passes all the same. */
  readonly deeds?: ReadonlySet<number>;
  /** Called after every event of the first life, for a person who looks. */
  readonly onDeed?: (deed: Deed, index: number, twin: Twin) => void;
}

export interface CaseResult {
  readonly events: number;
  readonly deeds: number;
  readonly failure?: { readonly message: string; readonly stack: string };
}

/** Most events of one life; a case that has more ends early. */
const eventsMax = 12_000;
/** After this many events invariants are checked at every eighth only. */
const denseEvents = 3_000;

/** Runs case `seed`. Never throws: what went wrong is in the result. */
export function runCase(seed: number, options: CaseOptions = {}): CaseResult {
  const { without = new Set() } = options;
  let deeds = 0;
  const events = { count: 0 };
  try {
    const { model, spanMs } = randomCluster(seed, without);
    const story = randomStory(seed, without, spanMs);
    deeds = story.length;
    live({ seed, model, spanMs, story, half: story.length >> 1, options, events });
    return { events: events.count, deeds };
  } catch (error) {
    const { message, stack = '' } = error instanceof Error ? error : new Error(String(error));
    return { events: events.count, deeds, failure: { message, stack } };
  }
}

/** A case in its parts. */
interface Case {
  readonly seed: number;
  readonly model: ClusterModel;
  readonly spanMs: number;
  readonly story: readonly Deed[];
  /** Index of the deed before which the story is cut by a snapshot and a fork. */
  readonly half: number;
  readonly options: CaseOptions;
  readonly events: { count: number };
}

const start = (of: Case): Twin => Twin.create(of.model, of.seed);

/** What one life does with the story. */
interface Life {
  readonly from: number;
  /** Deeds in all; fewer than the story's when it ended early. */
  readonly to: number;
  afterEvent?(twin: Twin): void;
  beforeDeed?(twin: Twin, index: number): Twin;
  /** True to end before this deed. */
  isOver?(): boolean;
}

/** Lives on from deed `from`. @returns the twin in the end and how many deeds there were. */
function liveOn(of: Case, born: Twin, life: Life): { readonly twin: Twin; readonly to: number } {
  let twin = born;
  for (let index = life.from; index < life.to; index++) {
    if (life.isOver?.()) return { twin, to: index };
    const deed = of.story[index]!;
    twin = life.beforeDeed?.(twin, index) ?? twin;
    advance(twin, twin.nowMs + deed.waitMs, life.afterEvent);
    if (!(of.options.deeds?.has(index) ?? true)) continue;
    act(twin, deed);
    life.afterEvent?.(twin);
    of.options.onDeed?.(deed, index, twin);
  }
  return { twin, to: life.to };
}

function live(of: Case): void {
  const first = start(of);
  const meters = new PlainMeters(first);
  const timers = first.timers.end;
  // A governor per host may sample every few ms, never more often than the story's 600th part.
  const guard = new HangGuard(200 + 20 * timers, of.spanMs / 1e6);
  let fork: Twin | undefined;
  let events = 0;
  const whole = liveOn(of, first, {
    from: 0,
    to: of.story.length,
    isOver: () => events > eventsMax,
    beforeDeed: (twin, index) => {
      if (index === of.half) fork = twin.fork();
      return twin;
    },
    afterEvent: (twin) => {
      events++;
      of.events.count++;
      guard.see(twin);
      meters.read();
      if (events < denseEvents || events % 8 === 0) checkInvariants(twin);
      if (events % 64 === 0) checkColumns(twin);
    },
  });
  checkInvariants(first);
  checkColumns(first);
  if (fork !== undefined && whole.to > of.half) {
    same(first, liveOn(of, fork, { from: of.half, to: whole.to }).twin, 'a fork taken half-way');
  }
  same(first, livePlainly(of, whole.to), 'the same story again, through a snapshot');
  same(first, liveWithoutFusedTick(of, whole.to), 'the story without the fused tick');
  // Settling the twin changes its bytes, so it comes last.
  meters.compare();
  checkInvariants(first);
  checkColumns(first);
}

/** From the start, without a check; the twin is stored and read back half-way. */
function livePlainly(of: Case, to: number): Twin {
  const beforeDeed = (twin: Twin, index: number): Twin =>
    index === of.half ? decodeSnapshot(encodeSnapshot(twin), of.model, 'snapshot') : twin;
  return liveOn(of, start(of), { from: 0, to, beforeDeed }).twin;
}

function liveWithoutFusedTick(of: Case, to: number): Twin {
  const twin = start(of);
  const add = (by: number): void => {
    for (let host = 0; host <= of.model.limbo; host++) twin.state.hostSpecial[host]! += by;
  };
  add(1);
  liveOn(of, twin, { from: 0, to });
  add(-1);
  return twin;
}

function same(first: Twin, other: Twin, what: string): void {
  if (first.state.equals(other.state)) return;
  throw new CheckError(`${what} ends in other bytes: ${difference(first, other)}`);
}

/** The first columns that differ, with both values. */
function difference(first: Twin, other: Twin): string {
  const found: string[] = [];
  for (const part of ['state', 'domains', 'requests', 'faults'] as const) {
    const a = part === 'state' ? first.state : first.state[part];
    const b = part === 'state' ? other.state : other.state[part];
    for (const [name, column] of Object.entries(a)) {
      if (name === 'float64' || name === 'int32' || !ArrayBuffer.isView(column)) continue;
      const one = column as Float64Array;
      const two = (b as unknown as Record<string, Float64Array>)[name]!;
      const row = one.findIndex((value, index) => !Object.is(value, two[index]));
      if (row >= 0) found.push(`${name}[${row}] ${one[row]} and ${two[row]}`);
    }
  }
  return found.slice(0, 6).join('; ');
}
