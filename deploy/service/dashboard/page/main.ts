/** Puts the page together: one function per part, each given the newest state. */
import { asksForToken, say, token } from './api.ts';
import { every, nowMs } from './clock.ts';
import { byId, setText } from './dom.ts';
import { duration } from './format.ts';
import { createHeader } from './header.ts';
import { createEvents, createHistory } from './history.ts';
import { createHostMap } from './host-map.ts';
import { follow, type Stream } from './live.ts';
import { createPlan } from './plan.ts';
import { createPower } from './power.ts';
import type { DecisionView, Received } from './state.ts';
import { askForToken } from './token-dialog.ts';

/** A person's word, with the token asked for where the service wants one. @returns What to tell. */
async function speak(decision: DecisionView, word: 'approve' | 'reject'): Promise<string> {
  for (;;) {
    try {
      await say(decision.id, word);
      return word === 'approve' ? 'Approved. The controller begins.' : 'Rejected.';
    } catch (error) {
      if (!asksForToken(error)) throw error;
      const why =
        token.get() === null
          ? 'To approve or reject, the service asks who you are.'
          : `The service does not take that token: ${(error as Error).message}`;
      token.forget();
      if (!(await askForToken(why))) throw new Error('Nothing was done: there is no token.');
    }
  }
}

function start(): void {
  const showHeader = createHeader();
  const showPower = createPower();
  const map = createHostMap();
  const showPlan = createPlan({ say: speak, point: map.point });
  const showHistory = createHistory();
  const showEvents = createEvents();

  let received: Received | undefined;
  let decisions: readonly DecisionView[] = [];
  let stream: Stream = 'connecting';
  let why = '';
  let staleSinceMs: number | undefined;

  const showBanner = (): void => {
    const banner = byId('banner');
    banner.hidden = staleSinceMs === undefined;
    if (staleSinceMs === undefined) return;
    const since = duration(Math.floor((nowMs() - staleSinceMs) / 1000));
    const what = received === undefined ? 'Nothing to show' : `Not up to date for ${since}`;
    setText(banner, `${what}: ${why}. Trying again.`);
  };

  /** What changes as time passes, without news. */
  const showTimes = (): void => {
    showHeader(received, stream, nowMs());
    showBanner();
    if (received !== undefined) showPlan(received, stream === 'live', nowMs());
  };

  const showPast = (): void => {
    if (received === undefined) return;
    showHistory(received, decisions, nowMs());
    showEvents(received, nowMs());
  };

  const showAll = (): void => {
    if (received === undefined) return;
    performance.mark('render-start');
    showTimes();
    showPower(received.state);
    map.show(received.state);
    showPast();
    performance.measure('render', 'render-start');
  };

  every(500, showTimes);
  const following = follow({
    onStream: (next, reason) => {
      if (next === 'live') staleSinceMs = undefined;
      else if (stream === 'live' || staleSinceMs === undefined) staleSinceMs = nowMs();
      stream = next;
      why = reason;
      document.body.dataset['stream'] = next;
      showTimes();
    },
    onState: (next) => {
      received = next;
      showAll();
    },
    onDecisions: (next) => {
      decisions = next;
      showPast();
    },
    onRefused: () => {
      token.forget();
      return askForToken('To look at this cluster, the service asks who you are.');
    },
  });
  following.catch((error: unknown) => {
    stream = 'stale';
    why = `the page has a fault (${String(error)}); load it again`;
    staleSinceMs ??= nowMs();
    showTimes();
  });
}

start();
