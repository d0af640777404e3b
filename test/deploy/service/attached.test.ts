/** The service beside a controller: what it shows of the journal, and what it writes. */
import { appendFileSync, mkdtempSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { snapshotSchema } from '../../../deploy/cluster/snapshot.ts';
import { readSnapshotFile, writeSnapshotFile } from '../../../deploy/cluster/snapshot-file.ts';
import { Approvals } from '../../../deploy/control/approvals.ts';
import type { Decision } from '../../../deploy/decision.ts';
import { Journal } from '../../../deploy/journal/journal.ts';
import { decisionsAnswer, stateAnswer } from '../../../deploy/service/api/answers.ts';
import { AttachedCluster } from '../../../deploy/service/attached-cluster.ts';
import { plansInFiles } from '../../../deploy/service/plan-store.ts';
import { serviceOfTests, snapshot, stillClock } from './small-cluster.ts';

const clock = stillClock();
const known = snapshotSchema.parse(snapshot);
const headers = { host: 'localhost' };

let directory: string;
let journal: Journal;
let cluster: AttachedCluster;
let service: FastifyInstance;

beforeEach(async () => {
  directory = join(mkdtempSync(join(tmpdir(), 'wattwin-attached-')), 'journal');
  journal = Journal.open(directory, clock);
  cluster = new AttachedCluster(directory, clock);
  service = await serviceOfTests({ cluster, clock, requestsPerS: 1e6 });
});
afterEach(async () => {
  await service.close();
  journal.close();
});

const prediction = {
  ...{ horizonS: 60, energyJ: 6000, meanW: 100, powerW: [100], lostVcpuS: 0, cost: 0.001 },
  hosts: [],
};

const decision = (id: string, state: Decision['state'] = 'open'): Decision => ({
  ...{
    id,
    atMs: 1,
    mode: 'recommend',
    policy: 'pabfd',
    before: prediction,
    after: prediction,
    state,
  },
  items: [{ operation: { type: 'wakeHost', host: 'h4' }, state: 'planned' }],
});

const get = async (url: string) => {
  const { statusCode, body } = await service.inject({ url, headers });
  return { status: statusCode, json: JSON.parse(body) };
};

const say = async (id: string, word: string) => {
  const url = `/v1/decisions/${id}/${word}`;
  const { statusCode, body } = await service.inject({ method: 'POST', url, headers });
  return { status: statusCode, json: JSON.parse(body) };
};

describe('the state', () => {
  it('before anything is written is empty', async () => {
    const state = stateAnswer.parse((await get('/v1/state')).json);
    expect(state).toMatchObject({ snapshot: null, controller: null, lastDecision: null, seq: 0 });
  });

  it('of a journal that is not there yet is empty, too', () => {
    const later = new AttachedCluster(join(directory, 'later'), clock);
    expect(later.state().seq).toBe(0);
    expect(later.refresh()).toBe(false);
  });

  it('follows the journal and the snapshot as they are written', async () => {
    journal.append({ kind: 'start', mode: 'recommend', policy: 'pabfd', pid: 7 });
    journal.append({ kind: 'decision', decision: decision('one') });
    writeSnapshotFile(directory, known);
    const state = stateAnswer.parse((await get('/v1/state')).json);
    expect(state).toMatchObject({
      mode: 'recommend',
      policy: 'pabfd',
      seq: 2,
      snapshotAgeMs: 5000,
    });
    expect(state.snapshot).toEqual(known);
    expect(state.open.map(({ id }) => id)).toEqual(['one']);
    const comparison = { decision: 'one', atMs: 60_000, predictedW: 100, observedW: 104 };
    journal.append({ kind: 'comparison', comparison });
    expect((await get('/v1/state')).json.series).toEqual([
      { atMs: 60_000, predictedW: 100, observedW: 104 },
    ]);
    const { body } = await service.inject({ url: '/metrics', headers });
    expect(body).toContain('wattwin_cluster_predicted_watts 100');
    expect(body).toContain('wattwin_cluster_observed_watts 104');
    expect(body).toContain('wattwin_snapshot_age_seconds 5');
    const bytes = statSync(join(directory, 'journal-000001.jsonl')).size;
    expect(body).toContain(`wattwin_journal_bytes ${bytes}`);
  });

  it('keeps a snapshot when its file is broken, and takes the next one', () => {
    writeSnapshotFile(directory, known);
    cluster.refresh();
    writeFileSync(join(directory, 'snapshot.json'), '{"atMs":');
    cluster.refresh();
    expect(cluster.state().snapshot).toEqual(known);
    expect(readSnapshotFile(directory)).toBeUndefined();
    writeSnapshotFile(directory, { ...known, atMs: known.atMs + 60_000 });
    expect(cluster.refresh()).toBe(true);
    expect(cluster.state().snapshot?.atMs).toBe(known.atMs + 60_000);
    expect(cluster.refresh()).toBe(false);
  });

  it('goes as far as a journal that is damaged can be read', async () => {
    journal.append({ kind: 'decision', decision: decision('one') });
    appendFileSync(join(directory, 'journal-000001.jsonl'), 'nonsense\n');
    expect(stateAnswer.parse((await get('/v1/state')).json).seq).toBe(1);
  });

  it('knows what cool-downs count from', () => {
    const operation = { type: 'migrate', vm: 'a', from: 'h1', to: 'h2', storage: 'none' } as const;
    clock.wall += 1000;
    journal.append({ kind: 'decision', decision: decision('one') });
    const intent = journal.append({
      kind: 'intent',
      decision: 'one',
      item: 0,
      operation,
      undo: [],
    });
    cluster.refresh();
    expect(cluster.past.movedMs.size).toBe(0);
    journal.append({ kind: 'done', intent, effect: { elapsedMs: 5, didChange: true } });
    cluster.refresh();
    expect(cluster.past.movedMs).toEqual(new Map([['a', clock.wall]]));
  });
});

describe('decisions', () => {
  beforeEach(() => {
    for (const id of ['one', 'two', 'three']) {
      journal.append({ kind: 'decision', decision: decision(id) });
    }
  });

  it('are listed, the newest first, as many as are asked for', async () => {
    const { decisions } = decisionsAnswer.parse((await get('/v1/decisions?limit=2')).json);
    expect(decisions.map(({ id }) => id)).toEqual(['three', 'two']);
    expect((await get('/v1/decisions')).json.decisions).toHaveLength(3);
  });

  it.each(['0', '1001', 'x', '1.5', '-1'])('are not listed for a limit of %s', async (limit) => {
    expect((await get(`/v1/decisions?limit=${limit}`)).status).toBe(422);
  });

  it('are found by id', async () => {
    expect((await get('/v1/decisions/two')).json.id).toBe('two');
    expect((await get('/v1/decisions/four')).status).toBe(404);
  });

  it('that are open take one word, which the controller finds', async () => {
    const { status, json } = await say('two', 'approve');
    expect([status, json]).toEqual([
      200,
      { id: 'two', verdict: 'approved', atMs: clock.wall, by: 'http 127.0.0.1' },
    ]);
    expect(new Approvals(join(directory, 'approvals')).of('two')?.verdict).toBe('approved');
    expect((await say('two', 'approve')).status).toBe(200);
    const { status: refused, json: why } = await say('two', 'reject');
    expect([refused, why.error.message]).toEqual([
      409,
      'it is approved already, by http 127.0.0.1',
    ]);
  });

  it('that nobody waits for take none', async () => {
    journal.append({ kind: 'decision', decision: decision('one', 'expired') });
    expect((await say('one', 'approve')).status).toBe(409);
    expect((await say('nobody', 'approve')).status).toBe(404);
    expect((await say('..%2f..%2fx', 'approve')).status).toBe(404);
    expect(readdirSync(join(directory, 'approvals'))).toEqual([]);
  });

  it('of the service’s own plans have the past of the cluster', async () => {
    const operation = { type: 'migrate', vm: 'a', from: 'h1', to: 'h2', storage: 'none' } as const;
    const intent = journal.append({
      kind: 'intent',
      decision: 'one',
      item: 0,
      operation,
      undo: [],
    });
    journal.append({ kind: 'done', intent, effect: { elapsedMs: 5, didChange: true } });
    cluster.refresh();
    expect(cluster.past.movedMs.has('a')).toBe(true);
  });
});

describe('events', () => {
  /** Reads a stream until `until` holds of all that has come. */
  async function stream(
    until: (text: string) => boolean,
    meanwhile: (text: string) => void,
  ): Promise<{ readonly text: string; readonly headers: object; readonly status: number }> {
    const address = service.listeningOrigin;
    return new Promise((resolve, reject) => {
      const asked = request(`${address}/v1/events`, (answer) => {
        let text = '';
        answer.on('data', (chunk) => {
          text += String(chunk);
          meanwhile(text);
          if (!until(text)) return;
          asked.destroy();
          resolve({ text, headers: answer.headers, status: answer.statusCode! });
        });
        answer.on('error', reject);
      });
      asked.on('error', reject);
      asked.end();
    });
  }

  const statesIn = (text: string) =>
    [...text.matchAll(/^event: state\nid: (\d+)\ndata: (.*)\n\n/gm)].map(([, id, data]) => ({
      id: Number(id),
      state: stateAnswer.parse(JSON.parse(data!)),
    }));

  it('tell the state at once, and again when something has come', async () => {
    await service.listen({ host: '127.0.0.1', port: 0 });
    let written = false;
    const { text, headers: told } = await stream(
      (all) => statesIn(all).length === 2,
      (all) => {
        if (written || statesIn(all).length === 0) return;
        written = true;
        journal.append({ kind: 'decision', decision: decision('one') });
      },
    );
    expect(told).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    expect(text).toMatch(/^retry: 2000\n/);
    expect(statesIn(text).map(({ id }) => id)).toEqual([0, 1]);
    expect(statesIn(text)[1]!.state.lastDecision?.id).toBe('one');
    // A client that has gone is forgotten.
    await expect
      .poll(async () => (await service.inject({ url: '/metrics', headers })).body)
      .toContain('wattwin_event_streams 0');
  });

  it('end when the service ends', async () => {
    await service.listen({ host: '127.0.0.1', port: 0 });
    const address = service.listeningOrigin;
    const ended = new Promise((resolve, reject) => {
      const asked = request(`${address}/v1/events`, (answer) => {
        answer.on('end', () => resolve('ended'));
        answer.once('data', () => void service.close());
        answer.resume();
      });
      asked.on('error', reject);
      asked.end();
    });
    expect(await ended).toBe('ended');
  });

  it('are for so many at a time', async () => {
    await service.listen({ host: '127.0.0.1', port: 0 });
    const address = service.listeningOrigin;
    const opened: ReturnType<typeof request>[] = [];
    const status = (): Promise<number> =>
      new Promise((resolve, reject) => {
        const asked = request(`${address}/v1/events`, (answer) => {
          answer.resume();
          answer.on('error', () => undefined);
          resolve(answer.statusCode!);
        });
        asked.on('error', reject);
        asked.end();
        opened.push(asked);
      });
    const codes: number[] = [];
    for (let index = 0; index < 33; index++) codes.push(await status());
    expect(codes).toEqual([...Array(32).fill(200), 503]);
    for (const asked of opened) {
      asked.on('error', () => undefined);
      asked.destroy();
    }
  });
});

describe('plans in files', () => {
  it('outlive the service, and the oldest go', () => {
    const place = join(directory, 'plans');
    const first = plansInFiles(place, clock);
    const plan = first.add('{"a":1}');
    first.say(plan.id, 'rejected', 'me');
    const second = plansInFiles(place, clock);
    expect(second.get(plan.id)).toEqual(plan);
    expect(second.saidOf(plan.id)?.verdict).toBe('rejected');
    clock.wall += 1000;
    for (let index = 0; index < 1000; index++) second.add('{}');
    expect(second.get(plan.id)).toBeUndefined();
    expect(second.saidOf(plan.id)).toBeUndefined();
    expect(readdirSync(place).filter((name) => name.endsWith('.json'))).toHaveLength(1000);
  });

  it.each(['../token', '..', '', 'a/b', '20261122T061500-0123456789abcdef/../../x'])(
    'have no plan "%s"',
    (id) => {
      const plans = plansInFiles(join(directory, 'plans'), clock);
      expect(plans.get(id)).toBeUndefined();
      expect(plans.saidOf(id)).toBeUndefined();
      expect(plans.say(id, 'approved', 'me')).toBeUndefined();
    },
  );
});
