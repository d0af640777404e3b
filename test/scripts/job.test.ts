/** The main job on small episodes: all stages, stopped and gone on with. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { type Job, runJob } from '../../scripts/job.ts';
import { readEvaluation } from '../../scripts/report/write.ts';
import { smallEpisode, smallScenario } from '../small-episodes.ts';
import { directoryWith } from '../traces/temporary-directory.ts';
import { startScript } from './command-line.ts';

// The gap has a test of its own and takes seconds.
vi.mock('../../scripts/optimality-gap.ts', () => ({
  measureGap: () => ({ instances: 1, mean: 0, largest: 0, solvedExactly: 1, plansPerInstance: 1 }),
}));

const directory = mkdtempSync(join(tmpdir(), 'wattwin-job-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const episode = (seed: number): Job['train'][number] => smallEpisode(seed, smallScenario(5));

const job = (name: string, signal = new AbortController().signal): Job => ({
  title: 'small',
  train: [1, 2].map(episode),
  retrain: [3].map(episode),
  test: [11].map(episode),
  testedOn: 'seed 11',
  heldOut: 1,
  heuristics: [{ type: 'heuristic', name: 'pabfd', spec: 'pabfd' }],
  directory: join(directory, name),
  backend: 'onnx',
  workers: 1,
  seed: 1,
  epochs: 2,
  exploration: 0.3,
  png: false,
  quiet: true,
  signal,
});

/** Bytes of everything that must not depend on interruptions, by path. */
function kept(name: string): Record<string, string> {
  const files = readdirSync(join(directory, name), { recursive: true, encoding: 'utf8' });
  const lasting = files.filter((file) => /\.(jsonl|ckpt)$/.test(file)).sort();
  return Object.fromEntries(
    lasting.map((file) => [file, readFileSync(join(directory, name, file), 'base64')]),
  );
}

it('labels, trains, labels what the policy gets into, trains again, evaluates and reports', async () => {
  const { evaluation, report } = await runJob(job('whole'));
  expect(Object.keys(kept('whole'))).toEqual([
    'draft.ckpt',
    'labels-own/episode-000-seed-3.jsonl',
    'labels/episode-000-seed-1.jsonl',
    'labels/episode-001-seed-2.jsonl',
    'policy.ckpt',
  ]);
  expect(evaluation.records.map((record) => record.policy)).toEqual(['oracle', 'learned', 'pabfd']);
  for (const record of evaluation.records) expect(record.objective).toBeGreaterThan(0);
  expect(evaluation.learning?.curve).toHaveLength(2);
  const stored = await readEvaluation(join(directory, 'whole', 'evaluation.json'));
  expect(stored.records).toEqual(evaluation.records);
  expect(readFileSync(report, 'utf8')).toContain('<!doctype html>');
});

it('has nothing to label or train a second time, and finds the same', async () => {
  const before = kept('whole');
  const checkpoint = join(directory, 'whole', 'policy.ckpt');
  const { ino } = statSync(checkpoint);
  const first = await readEvaluation(join(directory, 'whole', 'evaluation.json'));
  const { evaluation } = await runJob(job('whole'));
  expect(kept('whole')).toEqual(before);
  // Written anew it would be another file.
  expect(statSync(checkpoint).ino).toBe(ino);
  const objectives = (records: typeof first.records): number[] => records.map((r) => r.objective);
  expect(objectives(evaluation.records)).toEqual(objectives(first.records));
});

it('stopped in any stage, goes on to the same labels and checkpoints', async () => {
  // Each run is stopped a little later than the one before, until one comes through.
  let runs = 0;
  for (let stage = 1; ; stage++) {
    const controller = new AbortController();
    const { signal } = controller;
    let checks = 0;
    const throwIfAborted = signal.throwIfAborted.bind(signal);
    signal.throwIfAborted = () => {
      if (++checks === 6 * stage) controller.abort();
      throwIfAborted();
    };
    runs++;
    const outcome = await runJob(job('stopped', signal)).catch((error: Error) => error);
    if (!(outcome instanceof Error)) break;
    expect(signal.aborted).toBe(true);
  }
  expect(runs).toBeGreaterThan(2);
  expect(kept('stopped')).toEqual(kept('whole'));
});

it('says what is wrong with its options and traces, with code 2', async () => {
  const out = join(directory, 'bad');
  const bad = async (...args: readonly string[]): Promise<string> => {
    const given = [...args, '--quiet', '--out', out];
    const { code, stdout, stderr } = await startScript('main-job.ts', ...given).done;
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    return stderr;
  };
  const traces = directoryWith({ 'day/a': '1\nNaN\n' });
  const [options, values] = await Promise.all([bad('--workers', '0'), bad('--traces', traces)]);
  expect(options).toContain('expected a whole number from 1 up');
  expect(values).toBe(
    `${join(traces, 'day/a')}:2: expected a whole percent from 0 to 100, got "NaN"\n`,
  );
  expect(existsSync(out)).toBe(false);
});
