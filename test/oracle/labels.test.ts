/** Labelling into shards: the same bytes for any number of workers and however often stopped. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Demonstration,
  decodeEpisode,
  RolloutPool,
  rollout,
  rolloutSpecOf,
} from '../../oracle/index.ts';
import { type LabelJob, labelEpisodes, shardPath } from '../../scripts/label-episodes.ts';
import { advance, InputError, modelFingerprint } from '../../sim/index.ts';
import {
  labelHere,
  smallEpisode,
  smallOracle,
  smallOracleOn,
  smallScenario,
} from '../small-episodes.ts';

const directory = mkdtempSync(join(tmpdir(), 'wattwin-labels-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const job = (name: string, change: Partial<LabelJob> = {}): LabelJob => ({
  episodes: [smallEpisode(1), smallEpisode(2)],
  directory: join(directory, name),
  oracle: smallOracle,
  exploration: 0.3,
  workers: 1,
  ...change,
});

let reference: Buffer[] = [];
beforeAll(async () => {
  reference = (await labelEpisodes(job('reference'))).map((path) => readFileSync(path));
});

describe('label shards', () => {
  it('are the same bytes from one worker and from two', async () => {
    const paths = await labelEpisodes(job('two', { workers: 2 }));
    expect(paths.map((path) => readFileSync(path))).toEqual(reference);
  });

  it('hold what the search on this thread finds', async () => {
    const stored = decodeEpisode(reference[0]!, 'reference')!;
    expect(stored.demonstrations).toEqual(await labelHere(smallEpisode(1)));
  });

  it('name their episode, so that labels never meet another cluster', () => {
    const { header } = decodeEpisode(reference[1]!, 'reference')!;
    const { twin, options } = smallOracleOn(smallEpisode(2));
    expect(header).toMatchObject({ seed: 2, decisions: 6, model: modelFingerprint(twin.model) });
    // No migration limit is `Infinity`, which JSON writes as null.
    const { budget: _, ...rest } = options;
    expect(header.options).toMatchObject({ oracle: rest, exploration: 0.3 });
  });

  it('decide on measurements that were over when it was decided', () => {
    for (const shard of reference) {
      decodeEpisode(shard, 'x')!.demonstrations.forEach((demonstration, index) => {
        expect(demonstration.decision).toBe(index);
        expect(demonstration.decidedAtMs).toBe(index * 300_000);
        expect(demonstration.observedAtMs).toBeLessThanOrEqual(demonstration.decidedAtMs);
      });
    }
  });

  it('carry out another good plan now and then when asked to explore, and only then', async () => {
    const seeds = [1, 2, 3, 4, 5, 6, 7, 8, 9];
    const executed = async (exploration: number): Promise<Demonstration[]> =>
      (await Promise.all(seeds.map((seed) => labelHere(smallEpisode(seed), exploration)))).flat();
    const always = await executed(1);
    for (const { executed: chosen, plans } of always) {
      expect(chosen).toBeLessThan(Math.ceil(plans.length / 2));
    }
    expect(always.filter((demonstration) => demonstration.executed > 0).length).toBeGreaterThan(6);
    expect((await executed(0)).every((demonstration) => demonstration.executed === 0)).toBe(true);
  });

  it('end up the same wherever they were cut off', async () => {
    const whole = reference[0]!;
    const header = whole.indexOf(10) + 1;
    const second = whole.indexOf(10, header) + 1;
    const cuts = [
      0,
      1,
      header - 1,
      header,
      header + 1,
      header + 300,
      second - 1,
      second,
      second + 7,
    ];
    cuts.push(whole.length - 1, whole.length);
    // All cuts are healed in one run: each is a shard of its own of the same episode.
    const many = job('cut', { episodes: cuts.map(() => smallEpisode(1)) });
    const paths = cuts.map((_, index) => shardPath(many.directory, index, smallEpisode(1)));
    await labelEpisodes({ ...many, episodes: [] });
    for (const [index, cut] of cuts.entries()) writeFileSync(paths[index]!, whole.subarray(0, cut));
    expect(await labelEpisodes(many)).toEqual(paths);
    for (const [index, path] of paths.entries()) {
      expect(readFileSync(path).equals(whole), `cut at byte ${cuts[index]}`).toBe(true);
    }
  });

  it('go on after being stopped in the middle', async () => {
    const controller = new AbortController();
    let decisions = 0;
    const stopped = job('stopped', {
      signal: controller.signal,
      onProgress: () => {
        if (++decisions === 4) controller.abort();
      },
    });
    await expect(labelEpisodes(stopped)).rejects.toThrow('aborted');
    const path = shardPath(stopped.directory, 0, smallEpisode(1));
    const kept = decodeEpisode(readFileSync(path), path)!.demonstrations.length;
    expect(kept).toBeGreaterThan(0);
    expect(kept).toBeLessThan(6);
    const paths = await labelEpisodes(job('stopped'));
    expect(paths.map((shard) => readFileSync(shard))).toEqual(reference);
  });

  it('are refused where they belong to another scenario, to other options, or hold too much', async () => {
    const path = shardPath(join(directory, 'reference'), 0, smallEpisode(1));
    const others: readonly Partial<LabelJob>[] = [
      { episodes: [smallEpisode(1, smallScenario(6, 'decisionEvery: 600 s\n'))] },
      { oracle: { ...smallOracle, horizonDecisions: 4 } },
      { exploration: 0.2 },
    ];
    for (const other of others) {
      const refused = labelEpisodes(job('reference', other));
      await expect(refused).rejects.toBeInstanceOf(InputError);
      await expect(refused).rejects.toThrow(`${path}:1: expected labels of`);
    }
    expect(readFileSync(path)).toEqual(reference[0]);
    const lines = reference[0]!.toString().split('\n').slice(0, -1);
    const extra = lines.at(-1)!.replace('"decision":5', '"decision":6');
    appendFileSync(path, `${extra}\n`);
    await expect(labelEpisodes(job('reference'))).rejects.toThrow('expected at most 6 decisions');
  });
});

describe('the worker pool', () => {
  it("scores like this thread, hosts' own governors included", async () => {
    const text = smallScenario().replace(
      'grid5000-stremi,',
      'grid5000-stremi, governor: { rule: ondemand },',
    );
    const { twin, options } = smallOracleOn(smallEpisode(1, text));
    advance(twin, 600_000);
    const plans = [
      [],
      [{ type: 'place', vm: 0, host: 0 }],
      [{ type: 'setPstate', host: 0, pstate: 3 }],
    ] as const;
    const spec = rolloutSpecOf(options);
    const expected = plans.map((actions) => rollout(twin, twin.fork(), actions, spec));
    const pool = new RolloutPool(2);
    try {
      const before = twin.fork();
      expect(await pool.score(twin, options, plans)).toEqual(expected);
      expect(await pool.score(twin, options, [])).toEqual([]);
      expect(twin.state.equals(before.state)).toBe(true);
    } finally {
      await pool.close();
    }
  });
});
