/** The top of the page: whose cluster this is, who decides, how old what is shown is. */
import { byId, element, keyedChildren, setAttribute, setText } from './dom.ts';
import { age, duration } from './format.ts';
import type { Stream } from './live.ts';
import { freshness, type Received, type State, serviceNowMs } from './state.ts';

/** Colours of a badge; each has a shape before its text besides. */
type Tone = 'good' | 'plain' | 'warn' | 'bad';

interface Badge {
  readonly label: string;
  readonly text: string;
  readonly tone: Tone;
  readonly title?: string | undefined;
}

const modeTitles = {
  shadow: 'Decides and predicts; changes nothing.',
  recommend: 'Changes what a person approves.',
  act: 'Changes what the guard allows, by itself.',
} as const;

function modeBadge({ mode, controller }: State): Badge {
  const label = 'mode';
  if (mode === null) return { label, text: 'no controller', tone: 'warn' };
  const { end } = controller ?? {};
  if (end !== undefined) {
    return { label, text: `${mode}, ended`, tone: 'warn', title: end.reason };
  }
  return { label, text: mode, tone: mode === 'act' ? 'good' : 'plain', title: modeTitles[mode] };
}

function telemetryBadge(received: Received, nowMs: number): Badge {
  const { snapshot, snapshotAgeMs } = received.state;
  const label = 'telemetry';
  if (snapshot === null || snapshotAgeMs === null) return { label, text: 'none yet', tone: 'warn' };
  const ageMs = snapshotAgeMs + Math.max(0, nowMs - received.atMs);
  const tone = { fresh: 'good', late: 'warn', old: 'bad' } as const;
  return {
    label,
    text: age(ageMs),
    tone: tone[freshness(ageMs, snapshot.intervalS)],
    title: `read every ${duration(snapshot.intervalS)}`,
  };
}

function killSwitchBadge({ killSwitch, lastDecision }: State): Badge[] {
  const label = 'kill switch';
  if (killSwitch === undefined) {
    const stopped = lastDecision?.items.find(({ refusal }) => refusal?.rule === 'stopped');
    if (stopped === undefined) return [];
    return [{ label, text: 'stopped', tone: 'bad', title: stopped.refusal?.reason }];
  }
  return killSwitch.isOn
    ? [{ label, text: 'ON: nothing is done', tone: 'bad', title: killSwitch.path }]
    : [{ label, text: 'off', tone: 'good', title: `${killSwitch.path} does not exist` }];
}

function leaseBadge({ lease }: State, now: number): Badge {
  const label = 'lease';
  if (lease === null) return { label, text: 'held by nobody', tone: 'warn' };
  const { holder, untilMs } = lease;
  if (untilMs === undefined) return { label, text: holder, tone: 'good', title: holder };
  const leftS = (untilMs - now) / 1000;
  return leftS > 0
    ? { label, text: holder, tone: 'good', title: `for ${duration(leftS)} more, then renewed` }
    : { label, text: `${holder}, run out`, tone: 'bad', title: holder };
}

const streams: Readonly<Record<Stream, readonly [text: string, tone: Tone]>> = {
  connecting: ['connecting', 'plain'],
  live: ['live', 'good'],
  stale: ['stale', 'bad'],
  refused: ['refused', 'bad'],
};

/** @returns Shows what was received, also again when time has passed. */
export function createHeader(): (
  received: Received | undefined,
  stream: Stream,
  nowMs: number,
) => void {
  const cluster = byId('cluster');
  const show = keyedChildren<Badge>(
    byId('badges'),
    ({ label }) => label,
    ({ label }) => {
      const value = element('dd');
      const node = element('div', { class: 'badge' }, element('dt', {}, label), value);
      return {
        node,
        update: ({ text, tone, title }) => {
          setText(value, text);
          setAttribute(node, 'data-tone', tone);
          setAttribute(node, 'title', title);
        },
      };
    },
  );
  return (received, stream, nowMs) => {
    const [text, tone] = streams[stream];
    const link: Badge = { label: 'page', text, tone };
    if (received === undefined) {
      show([link]);
      return;
    }
    const { state } = received;
    const name = state.cluster ?? 'cluster';
    setText(cluster, name);
    document.title = `${cluster.textContent} · Wattwin`;
    show([
      modeBadge(state),
      { label: 'policy', text: state.policy ?? 'none', tone: 'plain' },
      telemetryBadge(received, nowMs),
      ...killSwitchBadge(state),
      leaseBadge(state, serviceNowMs(received, nowMs)),
      link,
    ]);
  };
}
