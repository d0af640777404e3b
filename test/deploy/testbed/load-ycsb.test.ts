/** The YCSB client against a small Redis of our own that is slow, wrong or gone on demand. */
import { setMaxListeners } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../deploy/clock.ts';
import { ycsbText } from '../../../deploy/testbed/load/ycsb/report.ts';
import { runYcsb, type YcsbOptions } from '../../../deploy/testbed/load/ycsb/run-ycsb.ts';
import { workloads } from '../../../deploy/testbed/load/ycsb/workloads.ts';
import { type TinyRedis, tinyRedis } from './tiny-redis.ts';

const opened: TinyRedis[] = [];
async function redis(port?: number): Promise<TinyRedis> {
  const one = await tinyRedis(port);
  opened.push(one);
  return one;
}
afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()));
});

/** A signal that many may listen to. */
function never(): AbortSignal {
  const { signal } = new AbortController();
  setMaxListeners(0, signal);
  return signal;
}

const shape = { records: 40, fields: 3, fieldBytes: 10 };
const options = (port: number, more: Partial<YcsbOptions> = {}): YcsbOptions => ({
  name: 'vm1',
  address: '127.0.0.1',
  port,
  phases: ['load', 'run'],
  workload: workloads.a,
  shape,
  seed: 1,
  steps: [{ startMs: 0, endMs: 600, perS: 200 }],
  spacing: 'even',
  connections: 2,
  timeoutMs: 2000,
  drainMs: 2000,
  clock: systemClock,
  signal: never(),
  ...more,
});

describe('a run', () => {
  it('creates the records, asks as often as it was told, and counts every answer', async () => {
    const server = await redis();
    const { loaded, report } = await runYcsb(options(server.port));
    expect(loaded?.records).toBe(40);
    expect(server.hashes.size).toBe(40);
    for (const hash of server.hashes.values()) {
      expect([...hash.keys()]).toEqual(['field0', 'field1', 'field2']);
    }
    expect(report).toMatchObject({
      issued: 120,
      done: 120,
      errors: {},
      unfinished: 0,
      reconnects: 0,
    });
    expect(report?.askedPerS).toBeCloseTo(200, 6);
    const { read, update } = report!.operations;
    expect(read!.done + update!.done).toBe(120);
    expect(server.commands).toHaveLength(160);
    const points = report!.timeline;
    expect(points.reduce((sum, { done }) => sum + done, 0)).toBe(120);
    expect(report!.maxMs).toBeGreaterThanOrEqual(report!.p50Ms);
  });

  it('asks the same of every server for the same seed', async () => {
    const servers = await Promise.all([redis(), redis()]);
    for (const { port } of servers) {
      await runYcsb(options(port, { connections: 1, workload: workloads.f, spacing: 'poisson' }));
    }
    const [first, second] = servers.map(({ commands }) => commands.slice(40));
    // Only the second half of a read-modify-write comes when the first was answered.
    const sorted = (commands: string[][]) => commands.map((one) => one.join(' ')).sort();
    expect(sorted(first!)).toEqual(sorted(second!));
  });

  it('of workload d reads what it inserts, of f reads before it writes', async () => {
    const server = await redis();
    const d = await runYcsb(options(server.port, { workload: workloads.d }));
    expect(d.report!.errors).toEqual({});
    expect(server.hashes.size).toBe(40 + d.report!.operations.insert!.done);
    const f = await runYcsb(options(server.port, { workload: workloads.f, phases: ['run'] }));
    const { read, update, 'read-modify-write': both } = f.report!.operations;
    expect(f.report!.done).toBe(120);
    expect(update!.done).toBe(both!.done);
    // Reads by themselves and those within.
    expect(read!.done).toBe(120);
  });
});

describe('latency', () => {
  it('counts from when a request was due: a server that stalls is not spared', async () => {
    const server = await redis();
    await runYcsb(options(server.port, { phases: ['load'] }));
    // It stands still for the first half of the run.
    server.stallUntil(performance.now() + 350);
    const { report } = await runYcsb(options(server.port, { phases: ['run'] }));
    expect(report).toMatchObject({ issued: 120, done: 120 });
    // About 60 of 120 requests were due in that time and waited for 150 ms on average.
    expect(report!.p50Ms).toBeGreaterThan(1);
    expect(report!.p95Ms).toBeGreaterThan(200);
    expect(report!.maxMs).toBeGreaterThan(250);
    expect(report!.meanMs).toBeGreaterThan(40);
    // They left on time all the same.
    expect(report!.sendDelay.p50Ms).toBeLessThan(50);
  });
});

describe('failures', () => {
  it('of the server are counted by its own code, of missing records by ours', async () => {
    const server = await redis();
    await runYcsb(options(server.port, { phases: ['load'] }));
    server.hashes.clear();
    server.answer = ([verb]) => (verb === 'HSET' ? '-OOM command not allowed\r\n' : undefined);
    const { report } = await runYcsb(options(server.port, { phases: ['run'] }));
    expect(report!.done).toBe(0);
    const { OOM, NOT_FOUND } = report!.errors;
    expect(OOM! + NOT_FOUND!).toBe(120);
    expect(report!.operations.update!.errors).toEqual({ OOM });
  });

  it('of connections are counted, and new ones are made', async () => {
    const server = await redis();
    const running = runYcsb(
      options(server.port, { steps: [{ startMs: 0, endMs: 1500, perS: 200 }] }),
    );
    await wait(500);
    server.cut();
    const { report } = await running;
    expect(report!.issued).toBe(300);
    expect(report!.reconnects).toBe(2);
    const failed = Object.values(report!.errors).reduce((sum, count) => sum + count, 0);
    expect(report!.done + failed).toBe(300);
    expect(report!.errors['unreachable']).toBeGreaterThan(0);
    // Most of what came after was answered.
    expect(report!.done).toBeGreaterThan(150);
  });

  it('of a server that says nothing more end by the limit', async () => {
    const server = await redis();
    const startMs = performance.now();
    await runYcsb(options(server.port, { phases: ['load'] }));
    server.freeze();
    const { report } = await runYcsb(options(server.port, { phases: ['run'], timeoutMs: 200 }));
    expect(report!.done).toBe(0);
    expect(report!.errors['timeout']).toBeGreaterThan(0);
    expect(report!.unfinished).toBe(0);
    expect(performance.now() - startMs).toBeLessThan(10_000);
  });

  it('leave what was not answered in time as unfinished', async () => {
    const server = await redis();
    await runYcsb(options(server.port, { phases: ['load'] }));
    server.freeze();
    const { report } = await runYcsb(options(server.port, { phases: ['run'], drainMs: 100 }));
    expect(report).toMatchObject({ done: 0, issued: 120, unfinished: 120 });
  });

  it('of a peer that speaks otherwise', async () => {
    const server = await redis();
    server.answer = () => 'HTTP/1.1 400 Bad Request\r\n\r\n';
    const { report } = await runYcsb(options(server.port, { phases: ['run'] }));
    expect(report!.errors['protocol']).toBeGreaterThan(0);
    expect(report!.done).toBe(0);
  });

  it('to reach anything at all are an error, soon', async () => {
    const server = await redis();
    await server.close();
    const startMs = performance.now();
    await expect(runYcsb(options(server.port, { timeoutMs: 300 }))).rejects.toMatchObject({
      code: 'ERR_UNREACHABLE',
      host: 'vm1',
    });
    expect(performance.now() - startMs).toBeLessThan(5000);
  });

  it('to create records are an error, not a wait for ever', async () => {
    const server = await redis();
    server.answer = () => '-MISCONF disk\r\n';
    await expect(runYcsb(options(server.port))).rejects.toThrow('vm1: MISCONF for new records');
  });
});

it('an abort ends a run with a report of what was done', async () => {
  const server = await redis();
  const stop = new AbortController();
  const seconds: number[] = [];
  const running = runYcsb(
    options(server.port, {
      steps: [{ startMs: 0, endMs: 60_000, perS: 100 }],
      signal: stop.signal,
      onSecond: ({ t }) => seconds.push(t),
    }),
  );
  await wait(1300);
  stop.abort();
  const { report } = await running;
  expect(report!.issued).toBeGreaterThan(50);
  expect(report!.issued).toBeLessThan(160);
  expect(report!.done).toBe(report!.issued);
  expect(report!.askedPerS).toBeCloseTo(100, 6);
  expect(report!.opsPerS).toBeGreaterThan(60);
  expect(seconds.length).toBeGreaterThanOrEqual(2);
});

it('the text form is YCSB’s', async () => {
  const server = await redis();
  const { report } = await runYcsb(options(server.port));
  const rows = ycsbText({ ...report!, seconds: 0.6, opsPerS: 200 })
    .trimEnd()
    .split('\n')
    .map((line) => line.split(', '));
  expect(rows.every((row) => row.length === 3)).toBe(true);
  expect(rows.slice(0, 2)).toEqual([
    ['[OVERALL]', 'RunTime(ms)', '600'],
    ['[OVERALL]', 'Throughput(ops/sec)', '200'],
  ]);
  const of = (kind: string, name: string): number =>
    Number(rows.find((row) => row[0] === kind && row[1] === name)?.[2]);
  expect(of('[READ]', 'Operations') + of('[UPDATE]', 'Operations')).toBe(120);
  expect(of('[READ]', 'Return=OK')).toBe(of('[READ]', 'Operations'));
  expect(of('[READ]', '99thPercentileLatency(us)')).toBeGreaterThanOrEqual(
    of('[READ]', '50thPercentileLatency(us)'),
  );
});
