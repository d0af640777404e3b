/** Decisions to learn from, and networks that have not learned anything, for the tests here. */
import {
  type Example,
  hostFeatures,
  type NetworkConfig,
  type PlanTable,
  packTables,
  replayEpisode,
  scoringModel,
  shapeOf,
  vmFeatures,
} from '../../learner/index.ts';
import {
  createPlainPredictor,
  initializeParameters,
  type Parameter,
} from '../../learner/runtime/index.ts';
import { RandomStream } from '../../sim/index.ts';
import { labelHere, smallEpisode, smallOracleOn, smallScenario } from '../small-episodes.ts';

export const smallNetwork: NetworkConfig = { vmWidth: 4, hostWidth: 8 };

type Scales = Parameters<typeof packTables>[1];

/** Features go in as they are. */
export const plainScales: Scales = {
  host: unitScale(hostFeatures.length),
  vm: unitScale(vmFeatures.length),
};

function unitScale(width: number): Scales['host'] {
  return { mean: new Float64Array(width), deviation: new Float64Array(width).fill(1) };
}

/** Parameters of every layer drawn at random, those included that training starts at zero. */
export function randomParameters(seed: number, network = smallNetwork): Parameter[] {
  const bucket = { rows: 1, vmRows: 1, terms: 1, plans: 1 };
  const stream = new RandomStream(seed, 'parameters');
  return initializeParameters(scoringModel(network), bucket, seed).map((parameter) => ({
    ...parameter,
    data: parameter.data.map(() => stream.normal() / 3),
  }));
}

/** Scores of one decision's plans, padded at least as much as asked for. */
export function scoresOf(
  table: PlanTable,
  parameters: readonly Parameter[],
  padding: Partial<ReturnType<typeof shapeOf>> = {},
): number[] {
  const { bucket, feeds } = packTables([table], plainScales, { ...shapeOf([table]), ...padding });
  const { scores } = createPlainPredictor(scoringModel(smallNetwork), parameters).run(
    bucket,
    feeds,
  );
  return [...scores!.subarray(0, table.plans)];
}

/** Examples of the small episodes with these seeds. @param shift See `replayEpisode`. */
export async function smallExamples(
  seeds: readonly number[],
  shift = 0,
  rows = 10,
): Promise<Example[]> {
  const examples: Example[] = [];
  for (const seed of seeds) {
    const episode = smallEpisode(seed, smallScenario(rows));
    const demonstrations = await labelHere(episode);
    examples.push(...replayEpisode(smallOracleOn(episode).twin, demonstrations, { shift }));
  }
  return examples;
}
