/**
 * What base policy, horizon and mutations are worth to the oracle: the bundled scenario on six
 * unseen days, each setting changed alone. `npm run bench -- oracle-settings`, some minutes.
 */
import { existsSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { defaultOracle, type OracleOptions, oraclePolicy } from '../oracle/index.ts';
import { loadEpisode, readEpisode, startTwin } from '../scripts/episode.ts';
import { budgetOf, objectiveOf, runPolicy } from '../sim/index.ts';

const seeds = [1001, 1002, 1003, 1004, 1005, 1006];

type Settings = Pick<OracleOptions, 'horizonDecisions' | 'base' | 'search'>;

const variants: readonly (readonly [settings: string, changed: Partial<Settings>])[] = [
  ['as is: base pabfd 0.5, 6 steps, 3 rounds of mutations', {}],
  ['base all-on', { base: { name: 'all-on' } }],
  ['base pabfd 0.8', { base: { name: 'pabfd', maxUtilization: 0.8 } }],
  ['1 step', { horizonDecisions: 1 }],
  ['2 steps', { horizonDecisions: 2 }],
  ['3 steps', { horizonDecisions: 3 }],
  ['4 steps', { horizonDecisions: 4 }],
  ['12 steps', { horizonDecisions: 12 }],
  ['no mutations', { search: { ...defaultOracle.search, mutationRounds: 0 } }],
];

export interface OracleSettingsRow {
  readonly settings: string;
  /** Mean objective of a day, kWh-equivalents. */
  readonly cost: number;
  /** Difference to the first row with the same seed, per cent. */
  readonly differences: readonly number[];
  readonly medianMs: number;
}

export function benchOracleSettings(): OracleSettingsRow[] {
  let reference: readonly number[] | undefined;
  return variants.map(([settings, changed]) => {
    const times: number[] = [];
    const costs = seeds.map((seed) => runDay(seed, { ...defaultOracle, ...changed }, times));
    reference ??= costs;
    const base = reference;
    times.sort((a, b) => a - b);
    return {
      settings,
      cost: costs.reduce((sum, cost) => sum + cost, 0) / costs.length,
      differences: costs.map((cost, index) => 100 * (cost / base[index]! - 1)),
      medianMs: times[times.length >> 1]!,
    };
  });
}

function runDay(seed: number, settings: Settings, times: number[]): number {
  const path = ['../examples/office-day.yaml', '../../examples/office-day.yaml']
    .map((relative) => fileURLToPath(new URL(relative, import.meta.url)))
    .find((candidate) => existsSync(candidate))!;
  const episode = readEpisode(path, seed);
  const loaded = loadEpisode(episode);
  const decides = {
    decisionEveryMs: loaded.scenario.decisionEvery,
    budget: budgetOf(loaded.scenario),
    objective: objectiveOf(loaded.scenario),
  };
  const result = runPolicy(startTwin(episode, loaded), oraclePolicy({ ...settings, ...decides }), {
    ...decides,
    untilMs: loaded.untilMs,
    clock: () => performance.now(),
  });
  times.push(...result.decisionMs);
  return result.objective;
}
