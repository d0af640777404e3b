import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Executor } from '../../../deploy/actions/executor.ts';
import type { Operation } from '../../../deploy/actions/operation.ts';
import type { Clock } from '../../../deploy/clock.ts';
import { Approvals } from '../../../deploy/control/approvals.ts';
import { type ControllerOptions, control } from '../../../deploy/control/controller.ts';
import { ActionMemory } from '../../../deploy/control/past.ts';
import type { Decision, Mode, Prediction } from '../../../deploy/decision.ts';
import type { Entry } from '../../../deploy/journal/record.ts';
import type { Sight } from '../../../deploy/observation/sight.ts';
import { type OperationCode, OperationError } from '../../../deploy/operation-error.ts';
import { cluster, host, vm } from './small-cluster.ts';

/** Time that passes only while somebody sleeps. */
function sleepyClock(onSleep: (nowMs: number) => void = () => {}): Clock {
  let nowMs = 0;
  return {
    wallMs: () => 1_700_000_000_000 + nowMs,
    monotonicMs: () => nowMs,
    sleep: (ms) => {
      nowMs += ms;
      onSleep(nowMs);
      return Promise.resolve();
    },
    after: () => () => {},
  };
}

/** So much in the first interval, a tenth less in the second, and so on. */
const prediction = (watts: number): Prediction => ({
  horizonS: 10,
  energyJ: watts * 10,
  meanW: watts,
  powerW: [watts, 0.9 * watts, 0.8 * watts],
  lostVcpuS: 0,
  cost: 1,
  hosts: [],
});
const slow: Operation = { type: 'setFrequency', host: 'a', khz: 1_000_000 };

interface Play {
  readonly mode?: Mode;
  readonly sights?: readonly Sight[];
  readonly operations?: readonly Operation[];
  readonly failsWith?: OperationCode;
  readonly decisionsMax?: number;
  readonly stop?: () => string | undefined;
  /** How long one operation takes. */
  readonly applyMs?: number;
  readonly onSleep?: (nowMs: number, approvals: Approvals, decisions: readonly Decision[]) => void;
}

/** Runs the loop on a cluster that is made up; everything that it wrote. */
async function play({ mode = 'act', decisionsMax = 2, operations = [slow], ...rest }: Play) {
  const directory = mkdtempSync(join(tmpdir(), 'wattwin-approvals-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const approvals = new Approvals(directory);
  const entries: Entry[] = [];
  const applied: Operation[] = [];
  const latest = new Map<string, Decision>();
  const snapshot = cluster([host('a'), host('b')], [vm('x', 'a')]);
  const sights = [...(rest.sights ?? [])];
  const clock = sleepyClock((nowMs) => rest.onSleep?.(nowMs, approvals, [...latest.values()]));
  const executor: Executor = {
    commands: () => [],
    prepare: (operation) => Promise.resolve({ operation, isDone: false, undo: [] }),
    apply: async ({ operation }) => {
      applied.push(operation);
      await clock.sleep(rest.applyMs ?? 0);
      if (rest.failsWith !== undefined) {
        throw new OperationError(rest.failsWith, 'a', 'a: broke');
      }
      return { elapsedMs: 1, didChange: true };
    },
  };
  const stopper = new AbortController();
  const options: ControllerOptions = {
    mode,
    policy: 'made-up',
    intervalMs: 10_000,
    observe: () => {
      const next = sights.shift();
      if (next !== undefined) return Promise.resolve(next);
      return Promise.resolve({ snapshot, observedW: 90, events: [] });
    },
    consider: () => ({
      policy: 'made-up',
      before: prediction(100),
      after: prediction(80),
      items: operations.map((operation) => ({ operation, state: 'planned' })),
    }),
    executor,
    journal: { append: (entry) => entries.push(entry) },
    onEnd: () => {},
    approvals,
    stop: rest.stop ?? (() => undefined),
    clock,
    signal: stopper.signal,
    decisionsMax,
    tell: (news) => {
      if (news.kind === 'decision') latest.set(news.decision.id, news.decision);
    },
  };
  const end = await control(options);
  return {
    end,
    entries,
    applied,
    decisions: [...latest.values()],
    kinds: entries.map((e) => e.kind),
  };
}

describe('the loop', () => {
  test('acts, and compares what it foretold of acting with what is then seen', async () => {
    const { entries, kinds, applied, decisions } = await play({});
    expect(applied).toEqual([slow, slow]);
    const one = ['decision', 'decision', 'intent', 'done', 'decision'];
    expect(kinds).toEqual(['start', ...one, 'comparison', ...one, 'end']);
    expect(decisions.map(({ state }) => state)).toEqual(['done', 'done']);
    expect(entries.find(({ kind }) => kind === 'comparison')).toMatchObject({
      comparison: { predictedW: 80, observedW: 90, decision: decisions[0]!.id },
    });
  });

  test('compares with the interval that is over, however long acting took', async () => {
    const { entries } = await play({ applyMs: 14_000 });
    expect(entries.find(({ kind }) => kind === 'comparison')).toMatchObject({
      comparison: { predictedW: 0.9 * 80 },
    });
  });

  test('changes nothing in shadow mode, and compares with doing nothing', async () => {
    const { entries, applied } = await play({ mode: 'shadow' });
    expect(applied).toEqual([]);
    expect(entries.find(({ kind }) => kind === 'comparison')).toMatchObject({
      comparison: { predictedW: 100 },
    });
  });

  test('decides nothing before there is something to see', async () => {
    const event = { host: 'b', code: 'ERR_UNREACHABLE', message: 'b: it cannot be reached' };
    const { kinds, decisions } = await play({ sights: [{ events: [event] }], decisionsMax: 1 });
    expect(kinds.slice(0, 3)).toEqual(['start', 'event', 'decision']);
    expect(decisions).toHaveLength(1);
  });

  test('waits for a word in recommend mode: approved', async () => {
    const { applied, decisions } = await play({
      mode: 'recommend',
      onSleep: (_, approvals, known) => {
        const open = known.find(({ state }) => state === 'open');
        if (open === undefined) return;
        approvals.say({ decision: open.id, verdict: 'approved', atMs: 1, by: 'test' });
        // The first word counts.
        const late = { decision: open.id, verdict: 'rejected', atMs: 2, by: 'late' } as const;
        expect(approvals.say(late).verdict).toBe('approved');
      },
    });
    expect(applied).toEqual([slow]);
    expect(decisions.map(({ state }) => state)).toEqual(['done', 'expired']);
  });

  test('waits for a word in recommend mode: rejected, or none', async () => {
    const { applied, decisions } = await play({
      mode: 'recommend',
      decisionsMax: 3,
      onSleep: (nowMs, approvals, known) => {
        const open = known.find(({ state }) => state === 'open');
        if (open === undefined || nowMs > 10_000) return;
        approvals.say({ decision: open.id, verdict: 'rejected', atMs: 1, by: 'test' });
      },
    });
    expect(applied).toEqual([]);
    expect(decisions.map(({ state }) => state)).toEqual(['rejected', 'expired', 'expired']);
    expect(decisions[0]!.items[0]!.state).toBe('rejected');
  });

  test('the kill switch ends the acting, not the looking', async () => {
    const { applied, decisions } = await play({ stop: () => 'the file STOP exists' });
    expect(applied).toEqual([]);
    expect(decisions.map(({ items }) => items[0]!.state)).toEqual(['skipped', 'skipped']);
  });

  test('a lost VM ends all acting until somebody starts the controller anew', async () => {
    const { applied, decisions, entries } = await play({
      failsWith: 'ERR_VM_LOST' as OperationCode,
    });
    expect(applied).toEqual([slow]);
    expect(decisions.map(({ items }) => items[0]!.state)).toEqual(['failed', 'skipped']);
    expect(entries).toContainEqual(expect.objectContaining({ kind: 'event', code: 'halted' }));
  });

  test('names VMs that are gone', async () => {
    const before = cluster([host('a')], [vm('x', 'a'), vm('y', 'a')]);
    const { entries } = await play({ sights: [{ snapshot: before, events: [] }] });
    expect(entries).toContainEqual({
      kind: 'event',
      host: 'a',
      code: 'vm-gone',
      message: 'y no longer runs',
    });
  });

  test('a decision with nothing in it is over at once', async () => {
    const { decisions, kinds } = await play({ operations: [] });
    expect(decisions.map(({ state }) => state)).toEqual(['done', 'done']);
    expect(kinds).toEqual(['start', 'decision', 'comparison', 'decision', 'end']);
  });
});

test('cool-downs are found again in a journal', () => {
  const move: Operation = { type: 'migrate', vm: 'x', from: 'a', to: 'b', storage: 'none' };
  const wake: Operation = { type: 'wakeHost', host: 'b' };
  const intent = { kind: 'intent', decision: 'd', item: 0, undo: [] } as const;
  const memory = ActionMemory.of([
    { seq: 1, atMs: 10, ...intent, operation: move },
    { seq: 2, atMs: 20, ...intent, operation: wake },
    { seq: 3, atMs: 30, kind: 'done', intent: 1, effect: { elapsedMs: 1, didChange: true } },
    { seq: 4, atMs: 40, kind: 'failed', intent: 2, code: 'ERR_TIMEOUT', message: '' },
  ]);
  expect([...memory.movedMs]).toEqual([['x', 30]]);
  expect([...memory.powerMs]).toEqual([['b', 40]]);
});
