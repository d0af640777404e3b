/** Keeps the page up to date: the service sends the state, and again at every change. */
import { ApiError, ask, askForDecisions, asksForToken, UnreachableError } from './api.ts';
import { after, nowMs } from './clock.ts';
import { readEvents } from './event-stream.ts';
import type { DecisionView, Received, State } from './state.ts';

/** `live`: news arrive. `stale`: they did, and no longer do. `refused`: the service wants a token. */
export type Stream = 'connecting' | 'live' | 'stale' | 'refused';

export interface LiveListener {
  onStream(stream: Stream, why: string): void;
  onState(received: Received): void;
  /** Newest first. */
  onDecisions(decisions: readonly DecisionView[]): void;
  /** The service wants a token. @returns Whether there is one now. */
  onRefused(): Promise<boolean>;
}

/** Between two attempts, ms; the last one over and over. */
const pausesMs = [500, 1000, 2000, 4000, 8000] as const;

/** A stream that says nothing for so long is dead, ms; the service says something every 15 s. */
const silenceMs = 40_000;

const wait = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    after(ms, resolve);
  });

/** Goes on for as long as the page is open. */
export async function follow(listener: LiveListener): Promise<never> {
  let failures = 0;
  for (;;) {
    let why = 'the service has ended the stream of news';
    try {
      await followOnce(listener, () => {
        failures = 0;
      });
    } catch (error) {
      if (asksForToken(error)) {
        listener.onStream('refused', 'the service asks for a token');
        if (await listener.onRefused()) continue;
      }
      why = reasonOf(error);
    }
    listener.onStream('stale', why);
    await wait(pausesMs[Math.min(failures++, pausesMs.length - 1)]!);
  }
}

/** @throws What is no failure of the world. */
function reasonOf(error: unknown): string {
  if (error instanceof ApiError || error instanceof UnreachableError) return error.message;
  if (error instanceof DOMException) return 'the service has said nothing for a while';
  throw error;
}

/** One stream, from its beginning to its end. */
async function followOnce(listener: LiveListener, onLive: () => void): Promise<void> {
  const controller = new AbortController();
  let callOff = (): void => undefined;
  const onSign = (): void => {
    callOff();
    callOff = after(silenceMs, () => controller.abort());
  };
  const showDecisions = decisionsShower(listener, (error) => controller.abort(error));
  onSign();
  try {
    const { body } = await ask('events', { signal: controller.signal });
    if (body === null) return;
    onLive();
    listener.onStream('live', '');
    await readEvents(body, (events) => {
      onSign();
      // Of several states that came at once only the last one is news.
      const newest = events.findLast(({ type }) => type === 'state');
      if (newest === undefined) return;
      const state = JSON.parse(newest.data) as State;
      listener.onState({ state, atMs: nowMs() });
      showDecisions(state);
    });
  } finally {
    callOff();
    controller.abort();
  }
}

/** Asks for the past decisions when there is another one, or one has changed; one question at a time. */
function decisionsShower(
  listener: LiveListener,
  onError: (error: unknown) => void,
): (state: State) => void {
  let shown = '';
  let wanted = '';
  let isUnderWay = false;
  const run = async (): Promise<void> => {
    isUnderWay = true;
    while (shown !== wanted) {
      shown = wanted;
      listener.onDecisions(await askForDecisions());
    }
    isUnderWay = false;
  };
  return ({ lastDecision, open }) => {
    wanted = `${lastDecision?.id} ${lastDecision?.state} ${open.length}`;
    if (!isUnderWay) run().catch(onError);
  };
}
