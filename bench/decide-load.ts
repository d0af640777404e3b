/**
 * The decision service under load: `POST /v1/decide` for 100 hosts × 1,000 VMs with 36 intervals of
 * demand, over HTTP on loopback, sent at fixed times whether or not answers have come (open loop). A
 * latency counts from the time at which its request was due. The service is a process of its own.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { percentile, RandomStream } from '../sim/index.ts';

export interface DecideLoadOptions {
  readonly seconds: number;
  readonly requestsPerS: number;
  readonly workers: number;
}

export interface DecideLoad {
  readonly requests: number;
  /** Turned away because too many were waiting (503). */
  readonly refused: number;
  /** Anything else but an answer. */
  readonly errors: number;
  readonly bodyBytes: number;
  /** Mean of the answers. */
  readonly items: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Of `GET /healthz`, asked ten times a second meanwhile. */
  readonly healthP99Ms: number;
  /** Of the service's process: after the warm-up, then at each sixth of the time. */
  readonly rssMib: readonly number[];
  /** CPU seconds of the service per second. */
  readonly cores: number;
}

const gib = 2 ** 30;
const hosts = 100;
const vms = 1000;
const intervals = 36;
/** Requests before anything is measured. */
const warmUp = 100;

/** A body with demand drawn from `seed`: levels that wander, whole MHz. */
function decideBody(seed: number): string {
  const random = new RandomStream(seed, 'decide-load');
  const level = (): number => 100 + Math.round(random.float() * random.float() * 4000);
  return JSON.stringify({
    policy: { name: 'thr-mmt' },
    limits: { migrations: 10, hosts: 20 },
    snapshot: {
      atMs: 1_790_000_000_000,
      intervalS: 300,
      hosts: Array.from({ length: hosts }, (_, host) => ({
        name: `host-${host}`,
        cores: 16,
        memoryBytes: 128 * gib,
        frequenciesMhz: [3000, 2400, 1800, 1200],
        power: [
          { mhz: 3000, idleW: 110, fullW: 310 },
          { mhz: 1200, idleW: 85, fullW: 150 },
        ],
        offW: 6,
        canSleep: true,
        confidence: 0.9,
      })),
      vms: Array.from({ length: vms }, (_, vm) => {
        const base = level();
        return {
          name: `vm-${vm}`,
          host: `host-${random.integer(hosts)}`,
          vcpus: 2,
          memoryBytes: 2 * gib,
          demandMhz: Array.from({ length: intervals }, () =>
            Math.round(base * (0.7 + 0.6 * random.float())),
          ),
        };
      }),
    },
  });
}

/** Starts a service, loads it and stops it. */
export async function benchDecideLoad(options: DecideLoadOptions): Promise<DecideLoad> {
  const state = mkdtempSync(join(tmpdir(), 'wattwin-bench-'));
  const { child, address } = await startService(state, options.workers);
  try {
    return await load(address, child.pid!, options);
  } finally {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
    rmSync(state, { recursive: true, force: true });
  }
}

async function startService(
  state: string,
  workers: number,
): Promise<{ readonly child: ChildProcess; readonly address: string }> {
  const script = join(import.meta.dirname, '../scripts/wattwin.js');
  const args = ['serve', '--port', '0', '--no-token', '--rate', '100000', '--state-dir', state];
  const child = spawn(process.execPath, [script, ...args, '--workers', String(workers)], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const address = await new Promise<string>((resolve, reject) => {
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const [, found] = /listening on (\S+)\n/.exec(said) ?? [];
      if (found !== undefined) resolve(found);
    });
    child.once('exit', (code) => reject(new Error(`the service ended with ${code}`)));
  });
  return { child, address };
}

interface Answer {
  readonly ms: number;
  /** Of the connection: 0. */
  readonly status: number;
  /** Of a decision. */
  readonly items: number;
}

async function load(
  address: string,
  pid: number,
  { seconds, requestsPerS }: DecideLoadOptions,
): Promise<DecideLoad> {
  const agent = new Agent({ keepAlive: true });
  const bodies = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => Buffer.from(decideBody(seed)));
  const decide = (index: number, dueMs: number): Promise<Answer> =>
    ask(agent, `${address}/v1/decide`, dueMs, bodies[index % bodies.length]);
  for (let index = 0; index < warmUp; index++) await decide(index, performance.now());
  const rssMib = [rssMibOf(pid)];
  const cpuS = cpuSOf(pid);
  const total = seconds * requestsPerS;
  const answers: Promise<Answer>[] = [];
  const health: Promise<Answer>[] = [];
  const startMs = performance.now();
  for (let index = 0; index < total; index++) {
    const dueMs = startMs + (index * 1000) / requestsPerS;
    await until(dueMs);
    answers.push(decide(index, dueMs));
    if (index % Math.ceil(requestsPerS / 10) === 0) {
      health.push(ask(agent, `${address}/healthz`, performance.now()));
    }
    if ((index + 1) % Math.ceil(total / 6) === 0) rssMib.push(rssMibOf(pid));
  }
  const done = await Promise.all(answers);
  const tookS = (performance.now() - startMs) / 1000;
  const cores = (cpuSOf(pid) - cpuS) / tookS;
  const healthMs = (await Promise.all(health)).map(({ ms }) => ms).sort((a, b) => a - b);
  agent.destroy();
  const good = done.filter(({ status }) => status === 200);
  const refused = done.filter(({ status }) => status === 503).length;
  const sorted = good.map(({ ms }) => ms).sort((a, b) => a - b);
  return {
    requests: total,
    refused,
    errors: done.length - good.length - refused,
    bodyBytes: bodies[0]!.length,
    items: good.reduce((sum, { items }) => sum + items, 0) / good.length,
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
    maxMs: sorted.at(-1)!,
    healthP99Ms: percentile(healthMs, 0.99),
    rssMib,
    cores,
  };
}

const until = (dueMs: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.max(0, dueMs - performance.now())));

/** @returns Its latency counts from `dueMs`. */
function ask(agent: Agent, url: string, dueMs: number, body?: Buffer): Promise<Answer> {
  return new Promise((resolve) => {
    const settle = (status: number, text: string): void =>
      // The number of items, without the cost of parsing in the process that keeps the time.
      resolve({
        ms: performance.now() - dueMs,
        status,
        items: text.split('"operation":').length - 1,
      });
    const failed = (): void => settle(0, '');
    const asked = request(
      url,
      {
        agent,
        method: body === undefined ? 'GET' : 'POST',
        headers:
          body === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': body.length },
      },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', failed);
        answer.on('end', () => settle(answer.statusCode ?? 0, Buffer.concat(chunks).toString()));
      },
    );
    asked.on('error', failed);
    asked.end(body);
  });
}

function rssMibOf(pid: number): number {
  const [, kib] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) / 1024;
}

/** CPU time of a process so far; Linux counts in hundredths of a second. */
function cpuSOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
