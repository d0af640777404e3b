import { describe, expect, it } from 'vitest';
import type { Decision } from '../../../deploy/decision.ts';
import type { Entry, JournalRecord } from '../../../deploy/journal/record.ts';
import { JournalFold, stateLimits, stateView } from '../../../deploy/service/state-view.ts';

const prediction = {
  horizonS: 360,
  energyJ: 72_000,
  meanW: 200,
  powerW: [200, 200, 200, 200, 200, 200],
  lostVcpuS: 0,
  cost: 0.02,
  hosts: [],
};

const decision = (id: string, state: Decision['state'] = 'open'): Decision => ({
  id,
  atMs: 1000,
  mode: 'act',
  policy: 'pabfd',
  before: prediction,
  after: prediction,
  items: [
    { operation: { type: 'wakeHost', host: 'h1' }, state: 'planned' },
    { operation: { type: 'sleepHost', host: 'h2', to: 'S5' }, state: 'planned' },
  ],
  state,
});

const journal = (...entries: readonly Entry[]): JournalRecord[] =>
  entries.map((entry, index) => ({ seq: index + 1, atMs: 1000 * (index + 1), ...entry }));

const start: Entry = { kind: 'start', mode: 'act', policy: 'pabfd', pid: 7 };
const effect = { elapsedMs: 5, didChange: true };

describe('the state of a journal', () => {
  it('of an empty one is that nothing is known', () => {
    expect(stateView([], null, null, 5000)).toEqual({
      ...{ atMs: 5000, snapshot: null, snapshotAgeMs: null, controller: null, mode: null },
      ...{ policy: null, lease: null, lastDecision: null, open: [], series: [], tail: [], seq: 0 },
    });
  });

  it('follows every item from planned over running to done, failed and undone', () => {
    const records = journal(
      start,
      { kind: 'decision', decision: decision('a') },
      {
        ...{ kind: 'intent', decision: 'a', item: 0, undo: [] },
        operation: { type: 'wakeHost', host: 'h1' },
      },
      { kind: 'done', intent: 3, effect },
      {
        ...{ kind: 'intent', decision: 'a', item: 1, undo: [] },
        operation: { type: 'sleepHost', host: 'h2', to: 'S5' },
      },
      { kind: 'failed', intent: 5, code: 'ERR_TIMEOUT', message: 'too slow' },
      { kind: 'undone', intent: 5 },
    );
    const fold = new JournalFold();
    const states = records.map((record) => {
      fold.take(record);
      return fold
        .decision('a')
        ?.items.map((item) => `${item.state}${item.undone ? ' undone' : ''}`);
    });
    expect(states).toEqual([
      undefined,
      ['planned', 'planned'],
      ['running', 'planned'],
      ['done', 'planned'],
      ['done', 'running'],
      ['done', 'failed'],
      ['done', 'failed undone'],
    ]);
    const { lastDecision, mode, policy, seq } = fold.view(null, null, 9000);
    expect(lastDecision?.items[0]?.effect).toEqual(effect);
    expect(lastDecision?.items[1]?.error).toEqual({ code: 'ERR_TIMEOUT', message: 'too slow' });
    expect({ mode, policy, seq }).toEqual({ mode: 'act', policy: 'pabfd', seq: 7 });
  });

  it('lets a decision written again replace the one before, in its place', () => {
    const view = stateView(
      journal(
        { kind: 'decision', decision: decision('a') },
        { kind: 'decision', decision: decision('b') },
        { kind: 'decision', decision: decision('a', 'rejected') },
      ),
      null,
      null,
      0,
    );
    expect(view.open.map(({ id }) => id)).toEqual(['b']);
    expect(view.lastDecision?.id).toBe('b');
  });

  it('tells a controller that ended from one that runs', () => {
    const running = stateView(journal(start), null, null, 0);
    const ended = stateView(journal(start, { kind: 'end', reason: 'SIGTERM' }), null, null, 0);
    expect(running.controller).toEqual({ mode: 'act', policy: 'pabfd', pid: 7, sinceMs: 1000 });
    expect(ended.controller?.end).toEqual({ atMs: 2000, reason: 'SIGTERM' });
  });

  it('takes a record once, however often it is read', () => {
    const records = journal(start, {
      kind: 'comparison',
      comparison: { decision: 'a', atMs: 1, predictedW: 100, observedW: 110 },
    });
    const view = stateView([...records, ...records], null, null, 0);
    expect(view.series).toEqual([{ atMs: 1, predictedW: 100, observedW: 110 }]);
    expect(view.tail.map(({ seq }) => seq)).toEqual([1, 2]);
  });

  it('stays within its limits however long the journal is', () => {
    const fold = new JournalFold();
    for (let seq = 1; seq <= 9000; seq += 3) {
      const id = String(seq).padStart(5, '0');
      fold.take({ seq, atMs: seq, kind: 'decision', decision: decision(id) });
      fold.take({
        ...{ seq: seq + 1, atMs: seq, kind: 'intent', decision: id, item: 0, undo: [] },
        operation: { type: 'wakeHost', host: 'h1' },
      });
      fold.take({
        ...{ seq: seq + 2, atMs: seq, kind: 'comparison' },
        comparison: { decision: id, atMs: seq, predictedW: 1, observedW: 2 },
      });
    }
    const view = fold.view(null, null, 0);
    expect(view.series).toHaveLength(stateLimits.series);
    expect(view.tail).toHaveLength(stateLimits.tail);
    expect(fold.decisions(Infinity)).toHaveLength(stateLimits.decisions);
    expect(fold.decisions(2).map(({ id }) => id)).toEqual(['08998', '08995']);
    expect(view.series.at(-1)?.atMs).toBe(8998);
  });
});
