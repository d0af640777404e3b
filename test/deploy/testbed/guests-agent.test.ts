/** The agent of a test VM, compiled and run here, spoken to as in a guest. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../deploy/clock.ts';
import { AgentClient } from '../../../deploy/testbed/guests/agent-client.ts';
import { mergedHistogram } from '../../../deploy/testbed/load/latency-histogram.ts';
import { packageRoot } from '../../../deploy/testbed/package-root.ts';

const hasCompiler = spawnSync('gcc', ['--version']).status === 0;
const source = join(packageRoot(), 'deploy/testbed/guests/agent.c');

/** The first 200 arrivals of a Poisson process, s: splitmix64 (Steele et al. 2014) and a logarithm. */
function arrivals(seed: bigint, perS: number): number[] {
  const word = (value: bigint): bigint => BigInt.asUintN(64, value);
  let state = seed;
  let atS = 0;
  return Array.from({ length: 200 }, () => {
    state = word(state + 0x9e3779b97f4a7c15n);
    let z = word((state ^ (state >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = word((z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    const fraction = (Number((z ^ (z >> 31n)) >> 11n) + 1) / 2 ** 53;
    atS -= Math.log(fraction) / perS;
    return atS;
  });
}

describe.runIf(hasCompiler)('the agent', () => {
  const directory = mkdtempSync(join(tmpdir(), 'wattwin-agent-'));
  const program = join(directory, 'agent');
  let agent: ChildProcess;
  let port: number;
  const clients: AgentClient[] = [];
  const sockets: Socket[] = [];

  beforeAll(() => {
    const flags = ['-O2', '-Wall', '-Wextra', '-Werror', '-pthread', source, '-o', program, '-lm'];
    const { status, stderr } = spawnSync('gcc', flags, { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
  afterAll(() => {
    agent.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });
  beforeEach(async () => {
    for (const client of clients.splice(0)) client.close();
    for (const socket of sockets.splice(0)) socket.destroy();
    agent?.kill('SIGKILL');
    agent = spawn(program, ['0'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = await new Promise<string[]>((resolve) => {
      agent.stdout!.once('data', (text) => resolve(String(text).split('\n')));
    });
    port = Number(line!.slice('port '.length));
  });

  /** A carrier of this machine's own network: the same bytes, without a namespace. */
  const client = (): AgentClient => {
    const text = `const s = require('node:net').connect(${port}, '127.0.0.1');
      process.stdin.pipe(s); s.pipe(process.stdout);`;
    const target = { netns: 'none', address: '127.0.0.1', port, clock: systemClock };
    const made = new AgentClient(target, { clock: systemClock }, [process.execPath, '-e', text]);
    clients.push(made);
    return made;
  };

  /** Lines in, lines out, over a plain socket. */
  async function ask(...lines: readonly string[]): Promise<string[]> {
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    let text = '';
    socket.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    socket.write(lines.map((line) => `${line}\n`).join(''));
    while (text.split('\n').length <= lines.length) await sleep(5);
    return text.split('\n').slice(0, -1);
  }

  it('does the work of jobs, and counts each from the time it fell due', async () => {
    const one = client();
    await one.jobs(200, 20, 7);
    await sleep(700);
    await one.jobs(0, 0);
    await sleep(200);
    const report = await one.report();
    // 140 on average, of a standard deviation of 12; a busy machine only makes it more.
    expect(report.issued).toBeGreaterThan(80);
    expect(report).toMatchObject({ done: report.issued, dropped: 0, queue: 0, ratePerS: 0 });
    expect(report.work).toBe(report.done * 20);
    expect(report.latency.buckets.reduce((sum, [, count]) => sum + count, 0)).toBe(report.done);
    expect(report.p50Ms).toBeLessThanOrEqual(report.p99Ms);
    expect(report.p99Ms).toBeLessThanOrEqual(report.maxMs);
    expect(report.maxMs).toBeCloseTo(report.latency.maxUs / 1000, 6);
    // The same percentiles as this package reads from the same buckets.
    const figures = mergedHistogram([report.latency]).figures();
    expect(report.p50Ms).toBeCloseTo(figures.p50Ms, 2);
    expect(report.p95Ms).toBeCloseTo(figures.p95Ms, 2);
    expect(report.p99Ms).toBeCloseTo(figures.p99Ms, 2);
  });

  it('reports what happened since the report before, and totals apart from that', async () => {
    const one = client();
    await one.jobs(500, 1, 1);
    await sleep(200);
    await one.jobs(0, 0);
    await sleep(100);
    const [first, again, total] = [await one.report(), await one.report(), await one.stat()];
    expect(first.issued).toBeGreaterThan(0);
    expect(again).toMatchObject({ issued: 0, done: 0, work: 0, p50Ms: 0, maxMs: 0 });
    expect(again.latency).toEqual({ sumUs: 0, minUs: 0, maxUs: 0, buckets: [] });
    expect(again.intervalS).toBeLessThan(first.intervalS);
    expect(total).toMatchObject({ issued: first.issued, done: first.done, work: first.work });
  });

  it('lets jobs wait in line when they are more than it can do, and their latency grows', async () => {
    const one = client();
    // A second of work each, ten a second: nothing can keep up.
    const units = Math.ceil(await one.calibrate());
    await one.jobs(10, units, 3);
    await sleep(1500);
    const { issued, done, queue, ncpu } = await one.stat();
    expect(queue).toBeGreaterThan(0);
    // Those in hand are no longer in the queue and not done yet.
    expect(issued - done - queue).toBeGreaterThanOrEqual(0);
    expect(issued - done - queue).toBeLessThanOrEqual(ncpu);
  });

  it('lets jobs fall due when the seed says', async () => {
    const one = client();
    const [seed, rate] = [99n, 40];
    const { uptimeS: earliest } = await one.stat();
    await one.jobs(rate, 0, Number(seed));
    const { uptimeS: latest } = await one.stat();
    await sleep(1000);
    const { issued, uptimeS } = await one.stat();
    const due = arrivals(seed, rate);
    const expected = (elapsedS: number): number => due.filter((atS) => atS <= elapsedS).length;
    expect(issued).toBeLessThanOrEqual(expected(uptimeS - earliest));
    // The thread that counts them may be late on a busy machine.
    expect(issued).toBeGreaterThanOrEqual(expected(uptimeS - latest - 0.2));
  });

  it('keeps CPUs busy for the fraction that was asked', async () => {
    const one = client();
    await one.load(30);
    await sleep(300);
    const before = await one.stat();
    expect(before.loadPercent).toBe(30);
    expect(before.work).toBeGreaterThan(0);
    await one.load(0);
    await sleep(200);
    const idle = await one.stat();
    await sleep(150);
    expect((await one.stat()).work).toBe(idle.work);
  });

  it('writes to memory at the rate that was asked', async () => {
    const one = client();
    await one.dirty(40);
    await sleep(500);
    await one.dirty(0);
    const { dirtyMib, intervalS } = await one.report();
    expect(dirtyMib).toBeGreaterThan(5);
    expect(dirtyMib).toBeLessThanOrEqual(40 * intervalS + 1);
  });

  it.each([
    '',
    'nonsense',
    'load',
    'load 101',
    'load -1',
    'load 5x',
    'load nan',
    'load 1 2',
    'jobs 1',
    'jobs 1e9 1',
    'jobs 1 1 -3',
    'jobs 1 1 2 3 4 5 6 7',
    'dirty x',
    'dirty',
    'report now',
    '\u0000',
    'é'.repeat(20),
  ])('refuses the line %j and goes on', async (line) => {
    const [refused, next] = await ask(line, 'stat');
    expect(refused).toMatch(/^error /);
    expect(JSON.parse(next!)).toMatchObject({ issued: 0, loadPercent: 0 });
  });

  it('refuses a line that is too long, and none of what it says', async () => {
    const [refused, next] = await ask(`load 5${' '.repeat(5000)}`, 'stat');
    expect(refused).toBe('error the line is longer than 255 bytes');
    expect(JSON.parse(next!)).toMatchObject({ loadPercent: 0 });
  });

  it('takes lines with carriage returns, and many in one piece', async () => {
    const answers = await ask('load 5\r', '  load   0  ', 'calibrate');
    expect(answers.slice(0, 2)).toEqual(['ok load 5', 'ok load 0']);
    expect(JSON.parse(answers[2]!).unitsPerS).toBeGreaterThan(0);
  });

  it('serves many clients, and tells those that are too many', async () => {
    const answers = await Promise.all(Array.from({ length: 60 }, () => ask('stat')));
    for (const [line] of answers) expect(line).toMatch(/^\{/);
    const more = await Promise.all(Array.from({ length: 10 }, () => ask('stat')));
    expect(more.flat().filter((line) => line === 'error too many clients')).toHaveLength(6);
    for (const socket of sockets.splice(0)) socket.destroy();
    await expect.poll(async () => (await ask('stat'))[0], { timeout: 5000 }).toMatch(/^\{/);
  });

  it('is asked through a client that says what is wrong', async () => {
    await expect(client().jobs(1e6, 1)).rejects.toThrow('the agent answers to `jobs 1000000 1`');
    await expect(client().load(Number.NaN)).rejects.toThrow('NaN is no quantity');
  });
});
