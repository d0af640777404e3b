/** Shifting load on several guests at once, in this process and in one of its own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../deploy/clock.ts';
import type { ClientEvent } from '../../../deploy/testbed/load/client-messages.ts';
import { runClient } from '../../../deploy/testbed/load/client-process.ts';
import { type LoadLine, readLoadLines } from '../../../deploy/testbed/load/load-line.ts';
import { jobSteps, type LoadPlan, readLoadPlan } from '../../../deploy/testbed/load/load-plan.ts';
import { summarizeLoad } from '../../../deploy/testbed/load/load-summary.ts';
import { type LoadJob, type LoadTarget, runLoad } from '../../../deploy/testbed/load/run-load.ts';
import { shiftingLoad } from '../../../deploy/testbed/load/shifting-load.ts';
import { type TinyAgent, tinyAgent } from './tiny-agent.ts';
import { tinyRedis } from './tiny-redis.ts';

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

async function agent(): Promise<TinyAgent> {
  const one = await tinyAgent();
  closing.push(() => one.close());
  return one;
}

const jobsOn = (vm: string, port: number, more: Partial<LoadTarget> = {}): LoadTarget => ({
  ...{ vm, kind: 'jobs', address: '127.0.0.1', port },
  ...more,
});

const jobOf = (targets: readonly LoadTarget[], durationS = 3): LoadJob => ({
  targets,
  load: shiftingLoad({ seed: 5, vms: targets.length, durationS, mean: 0.5, phaseS: 1 }),
  redis: {
    workload: 'a',
    shape: { records: 20, fields: 2, fieldBytes: 10 },
    connections: 2,
    skipRecords: false,
  },
  jobMs: 20,
  timeoutMs: 1500,
  drainMs: 300,
});

/** Runs a job and gathers what it reports. */
async function gather(job: LoadJob, signal = new AbortController().signal) {
  const lines: LoadLine[] = [];
  let plan: LoadPlan | undefined;
  const figures = await runLoad({
    ...job,
    clock: systemClock,
    signal,
    onNote: () => undefined,
    onPlan: (found) => {
      plan = found;
    },
    onLine: (line) => lines.push(line),
  });
  return { figures, lines, plan: plan!, summary: summarizeLoad(plan!, lines) };
}

describe('shifting load', () => {
  it('asks each guest for its share, phase by phase, and adds up', async () => {
    const guest = await agent();
    const server = await tinyRedis();
    closing.push(() => server.close());
    const job = jobOf([
      jobsOn('vm1', guest.port),
      { vm: 'vm2', kind: 'redis', address: '127.0.0.1', port: server.port, fullPerS: 200 },
    ]);
    const { plan, lines, summary, figures } = await gather(job);
    // 2000 units/s on each of 2 CPUs, jobs of 20 ms: 40 units, 100 jobs/s.
    expect(plan.vms).toEqual([
      { vm: 'vm1', kind: 'jobs', fullPerS: 100, cost: 40 },
      { vm: 'vm2', kind: 'redis', fullPerS: 200 },
    ]);
    const commands = guest.lines.filter((line) => line.startsWith('jobs'));
    expect(commands).toEqual([
      'jobs 0 0',
      ...plan.load.phases.map(({ utilization: [level] }, phase) => {
        const perS = Number((level! * 100).toPrecision(6));
        return `jobs ${perS} 40 ${jobSteps(plan, 0)[phase]!.seed}`;
      }),
      'jobs 0 0',
    ]);
    const { overall, vms, phases } = summary;
    expect(vms['vm2']!.done).toBe(server.commands.length - 20);
    expect(vms['vm2']!.issued).toBe(vms['vm2']!.done);
    for (const { asked, done } of Object.values(vms)) {
      expect(Math.abs(done - asked)).toBeLessThan(5 * Math.sqrt(asked) + 10);
    }
    for (const [vm, kind] of [
      ['vm1', 'jobs'],
      ['vm2', 'redis'],
    ] as const) {
      expect(overall[kind]).toEqual(expect.objectContaining({ done: vms[vm]!.done }));
      expect(overall[kind]!.latency).toEqual(vms[vm]!.latency);
      const inPhases = phases.reduce((sum, { kinds }) => sum + kinds[kind]!.done, 0);
      expect(inPhases).toBe(vms[vm]!.done);
    }
    expect(phases).toHaveLength(3);
    expect(summary.seconds).toBeCloseTo(3, 1);
    expect(figures.reconnects).toBe(0);
    expect(lines.filter(({ vm }) => vm === 'vm1').length).toBeGreaterThanOrEqual(4);
    // The agent's buckets are ours: all its jobs took 7 ms.
    expect(vms['vm1']!.latency).toMatchObject({ meanMs: 7, p99Ms: 7, maxMs: 7 });
  });

  it('sets the rate again on a guest that was started anew', async () => {
    const guest = await agent();
    const running = gather(jobOf([jobsOn('vm1', guest.port, { fullPerS: 100, cost: 9 })], 4));
    await wait(1700);
    guest.restart();
    const { summary, figures } = await running;
    expect(figures.reconnects).toBe(1);
    // It did not stay without jobs for the rest.
    expect(summary.overall.jobs!.done).toBeGreaterThan(summary.overall.jobs!.asked / 3);
    expect(summary.overall.jobs!.done).toBeLessThan(summary.overall.jobs!.asked);
  });

  it('says of which seconds it knows nothing, and ends although a guest does not', async () => {
    const guest = await agent();
    const startMs = performance.now();
    const running = gather(jobOf([jobsOn('vm1', guest.port, { fullPerS: 100, cost: 9 })]));
    await wait(1500);
    guest.freeze();
    const { summary } = await running;
    expect(summary.missingSlices).toBeGreaterThan(0);
    expect(summary.overall.jobs!.done).toBeGreaterThan(0);
    expect(performance.now() - startMs).toBeLessThan(12_000);
  });

  it('loses no report that comes late', async () => {
    const guest = await agent();
    const job = jobOf([jobsOn('vm1', guest.port, { fullPerS: 100, cost: 9 })]);
    const running = gather(job);
    await wait(800);
    guest.delayMs = 700;
    const { summary, lines } = await running;
    expect(lines.some(({ missing }) => missing === true)).toBe(true);
    expect(summary.overall.jobs!.done).toBeGreaterThan(0.7 * summary.overall.jobs!.asked);
  });

  it('does not begin when a guest is not there', async () => {
    const guest = await agent();
    await guest.close();
    await expect(gather(jobOf([jobsOn('vm7', guest.port)]))).rejects.toMatchObject({
      code: 'ERR_UNREACHABLE',
      host: 'vm7',
    });
  });

  it('ends with what the agent says when it refuses a rate', async () => {
    const guest = await agent();
    guest.refuse = true;
    await expect(
      gather(jobOf([jobsOn('vm7', guest.port, { fullPerS: 9, cost: 9 })])),
    ).rejects.toThrow('vm7: error jobs takes less');
  });

  it('ends jobs in guests when it is stopped', async () => {
    const guest = await agent();
    const stop = new AbortController();
    const job = jobOf([jobsOn('vm1', guest.port, { fullPerS: 100, cost: 9 })], 60);
    const running = gather(job, stop.signal);
    await wait(1400);
    stop.abort();
    const { summary } = await running;
    expect(guest.lines.filter((line) => line.startsWith('jobs')).at(-1)).toBe('jobs 0 0');
    expect(summary.seconds).toBeGreaterThan(0.8);
    expect(summary.seconds).toBeLessThan(4);
    expect(summary.phases.length).toBeLessThan(5);
  });
});

describe('the client’s own process', () => {
  const main = fileURLToPath(new URL('../../../deploy/testbed/load/main.ts', import.meta.url));
  const command = [process.execPath, '--import', 'tsx', main];

  it('tells the same as one that runs here', async () => {
    const guest = await agent();
    const events: ClientEvent[] = [];
    const job = jobOf([jobsOn('vm1', guest.port)], 2);
    await runClient(
      { type: 'shifting', job },
      { command, signal: new AbortController().signal, onEvent: (event) => events.push(event) },
    );
    const types = [...new Set(events.map(({ type }) => type))];
    expect(types).toEqual(['note', 'plan', 'line', 'shifting-end']);
    const last = events.at(-1)!;
    expect(last.type === 'shifting-end' && last.client.cpuFraction).toBeGreaterThan(0);
  });

  it('ends with a report when it is told to stop', async () => {
    const guest = await agent();
    const stop = new AbortController();
    const events: ClientEvent[] = [];
    const job = jobOf([jobsOn('vm1', guest.port)], 60);
    await runClient(
      { type: 'shifting', job },
      {
        command,
        signal: stop.signal,
        onEvent: (event) => {
          events.push(event);
          if (event.type === 'line') stop.abort();
        },
      },
    );
    expect(events.at(-1)!.type).toBe('shifting-end');
    expect(guest.lines.filter((line) => line.startsWith('jobs')).at(-1)).toBe('jobs 0 0');
  });

  it('passes on what failed, whether the world or the process', async () => {
    const guest = await agent();
    await guest.close();
    const options = { signal: new AbortController().signal, onEvent: () => undefined };
    const job = { type: 'shifting' as const, job: jobOf([jobsOn('vm7', guest.port)]) };
    await expect(runClient(job, { ...options, command })).rejects.toMatchObject({
      code: 'ERR_UNREACHABLE',
      host: 'vm7',
    });
    for (const wrong of [['/no/such/program'], [process.execPath, '-e', 'process.exit(3)']]) {
      await expect(runClient(job, { ...options, command: wrong })).rejects.toMatchObject({
        code: 'ERR_REMOTE_FAILED',
      });
    }
  });
});

describe('files of a run', () => {
  const file = (text: string): string => {
    const folder = mkdtempSync(join(tmpdir(), 'wattwin-load-'));
    closing.push(() => rmSync(folder, { recursive: true, force: true }));
    const path = join(folder, 'file');
    writeFileSync(path, text);
    return path;
  };

  it('are read as they were written, but for a last line that was cut off', async () => {
    const guest = await agent();
    const { lines, plan } = await gather(jobOf([jobsOn('vm1', guest.port)], 1));
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    expect(await readLoadLines(file(text))).toEqual(JSON.parse(JSON.stringify(lines)));
    expect(await readLoadLines(file(text.slice(0, -20)))).toHaveLength(lines.length - 1);
    expect(readLoadPlan(file(JSON.stringify(plan)))).toEqual(plan);
  });

  it.each(['', '{}\n', 'x\n{}\n', '{"vm":"vm1"}\n'])('that hold %j are refused', async (text) => {
    await expect(readLoadLines(file(text))).rejects.toThrow('expected');
    expect(() => readLoadPlan(file(text))).toThrow('expected');
  });

  it('that are not there are refused', async () => {
    await expect(readLoadLines('/no/such/file')).rejects.toThrow('no such file');
    expect(() => readLoadPlan('/no/such/file')).toThrow('expected the plan of a load run');
  });
});
