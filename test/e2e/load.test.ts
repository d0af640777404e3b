import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { testbedLacks, thisMachine } from '../../deploy/testbed/index.ts';
import { type ComparedFigure, readLoadPlan, readRun } from '../../deploy/testbed/load/index.ts';
import { start, wattwin } from './real-hosts.ts';

const lacks = testbedLacks(thisMachine(), true).things;
const name = `load-${process.pid % 100_000}`;

// `real-hosts.ts` says loudly what this machine lacks.
describe.skipIf(lacks.length > 0)('an experiment', () => {
  test('runs the same load at two frequencies: the lower takes less power and answers later', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'wattwin-experiment-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    onTestFinished(async () => {
      await wattwin('testbed', 'down', '--name', name);
    });
    const out = join(directory, 'runs');
    await wattwin(
      ...['testbed', 'experiment', '--name', name, '--out', out, '--quiet'],
      ...['--governors', 'performance,userspace:800', '--hosts', '1', '--vms', '2', '--redis', '1'],
      ...['--duration', '15 s', '--phase', '3 s', '--mean', '0.2', '--redis-full', '200'],
    );
    expect(existsSync(`/run/wattwin/testbed/${name}`)).toBe(false);
    const [fast, slow] = ['performance', 'userspace-800'].map((run) => join(out, run));
    for (const run of [fast!, slow!]) {
      expect(readdirSync(run).sort()).toEqual([
        'h1',
        'load.jsonl',
        'meters.jsonl',
        'plan.json',
        'summary.json',
      ]);
    }
    expect(readLoadPlan(join(slow!, 'plan.json'))).toEqual(readLoadPlan(join(fast!, 'plan.json')));
    const figures = JSON.parse(
      await wattwin('testbed', 'load', 'compare', fast!, slow!, '--json'),
    ) as ComparedFigure[];
    const ratio = new Map(figures.map((figure) => [figure.name, figure.ratio]));
    // A shared machine changes values, not their order.
    expect(ratio.get('plug energy')).toBeLessThan(1);
    expect(ratio.get('RAPL energy')).toBeLessThan(1);
    expect(ratio.get('redis p50')).toBeGreaterThan(1);
    expect(ratio.get('jobs p50')).toBeGreaterThan(1);
    const { phases } = await readRun(fast!);
    expect(phases).toHaveLength(5);
    const redis = phases.map(({ kinds }) => kinds.redis!);
    const done = redis.reduce((sum, one) => sum + one.done, 0);
    const asked = redis.reduce((sum, one) => sum + one.asked, 0);
    expect(redis.every(({ errors }) => errors === 0)).toBe(true);
    expect(Math.abs(done - asked)).toBeLessThan(5 * Math.sqrt(asked));
  });

  test('leaves nothing after Ctrl-C', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'wattwin-experiment-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    onTestFinished(async () => {
      await wattwin('testbed', 'down', '--name', name);
    });
    const running = start(
      ...['testbed', 'experiment', '--name', name, '--out', join(directory, 'runs'), '--quiet'],
      ...['--governors', 'performance', '--hosts', '1', '--vms', '1', '--redis', '0'],
    );
    await running.until(/performance: 120 s of load/, 180_000);
    await new Promise((wake) => setTimeout(wake, 6000));
    running.kill('SIGINT');
    const { stdout } = await running.done;
    expect(stdout).toContain('vm1 jobs');
    expect(existsSync(`/run/wattwin/testbed/${name}`)).toBe(false);
  });
});
