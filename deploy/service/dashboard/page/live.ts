/** Keeps the page up to date: the state once, then again whenever the service says that there is news. */
import { ApiError, authorization, eventsUrl, getJson } from './api.ts';
import { after, nowMs } from './clock.ts';
import { readEvents } from './event-stream.ts';
import type { DecisionView, Received, State } from './state.ts';

/**
 * `live`: news arrive. `stale`: they did, and no longer do. `refused`: the service wants a token, or another one.
 */
export type Stream = 'connecting' | 'live' | 'stale' | 'refused';

export interface LiveListener {
  onStream(stream: Stream, why: string): void;
  onState(received: Received, decisions: readonly DecisionView[]): void;
  /** The service wants a token. @returns Whether there is one now. */
  onRefused(): Promise<boolean>;
}

/** Between two attempts, ms; the last one over and over. */
const pausesMs = [500, 1000, 2000, 4000, 8000] as const;

/** A stream that says nothing for so long is dead, ms; the service sends a comment more often. */
const silenceMs = 40_000;

/** The state is asked for at most so often, ms, however many records are written. */
const refreshMs = 300;

const wait = (ms: number): Promise<void> => new Promise((resolve) => void after(ms, resolve));

/** Goes on for as long as the page is open. */
export async function follow(listener: LiveListener): Promise<never> {
  let failures = 0;
  for (;;) {
    let why = 'the stream of news has ended';
    try {
      const status = await followOnce(listener, () => {
        failures = 0;
      });
      if (status === 401 || status === 403) {
        listener.onStream('refused', 'The service asks for a token.');
        if (await listener.onRefused()) continue;
        why = 'the service asks for a token';
      } else if (status !== undefined) why = `the service answers HTTP ${status}`;
    } catch (error) {
      if (error instanceof ApiError) why = error.message;
      else if (error instanceof DOMException) why = 'the service has said nothing for a while';
      else if (error instanceof TypeError) why = 'the service cannot be reached';
      else throw error;
    }
    listener.onStream('stale', why);
    await wait(pausesMs[Math.min(failures++, pausesMs.length - 1)]!);
  }
}

/** One stream, from its beginning to its end. @returns The status with which it was refused. */
async function followOnce(listener: LiveListener, onLive: () => void): Promise<number | undefined> {
  const controller = new AbortController();
  let callOff = (): void => undefined;
  const sign = (): void => {
    callOff();
    callOff = after(silenceMs, () => controller.abort());
  };
  const refresh = refresher(listener, (error) => controller.abort(error));
  sign();
  try {
    return await readEvents(eventsUrl, authorization(), controller.signal, {
      onOpen: () => {
        onLive();
        refresh();
        listener.onStream('live', '');
      },
      onEvent: refresh,
      onSign: sign,
    });
  } finally {
    callOff();
  }
}

/** Asks for the state now, or once more when the question under way has been answered. */
function refresher(listener: LiveListener, onError: (error: unknown) => void): () => void {
  let isUnderWay = false;
  let isWanted = false;
  const run = async (): Promise<void> => {
    isUnderWay = true;
    do {
      isWanted = false;
      await refreshOnce(listener);
      await wait(refreshMs);
    } while (isWanted);
    isUnderWay = false;
  };
  return () => {
    isWanted = true;
    if (!isUnderWay) run().catch(onError);
  };
}

/** Asks for the state and the decisions before it. */
async function refreshOnce(listener: LiveListener): Promise<void> {
  const [state, decisions] = await Promise.all([getJson('state'), getJson('decisions')]);
  listener.onState(
    { state: state as State, atMs: nowMs() },
    (decisions as { decisions: readonly DecisionView[] }).decisions,
  );
}
