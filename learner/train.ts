/**
 * Offline imitation: seeded epochs over the demonstrations, held-out regret after each, the weights
 * of the last third averaged. Regret, not agreement, is what counts: how much more the chosen plan
 * costs than the best one that was tried, over the horizon, on episodes not trained on.
 */
import { RandomStream } from '../sim/index.ts';
import { type BatchShape, type FeatureScales, packExamples, packTables, shapeOf } from './batch.ts';
import { columnScale, type Example } from './dataset.ts';
import { hostFeatures, vmFeatures } from './features.ts';
import {
  type LossOptions,
  type NetworkConfig,
  scoringModel,
  trainingModel,
} from './plan-network.ts';
import {
  type Backend,
  createPlainPredictor,
  initializeParameters,
  type Parameter,
} from './runtime/index.ts';

export interface TrainOptions extends LossOptions {
  readonly network: NetworkConfig;
  readonly seed: number;
  readonly epochs: number;
  /** Decisions per step. */
  readonly batch: number;
  readonly learningRate: number;
}

export const defaultTraining: Omit<TrainOptions, 'network' | 'seed'> = {
  epochs: 16,
  batch: 16,
  learningRate: 2e-3,
  choiceWeight: 1,
  costDelta: 40,
};

/** One point of the learning curve. */
export interface EpochReport {
  readonly epoch: number;
  readonly trainLoss: number;
  /** Held-out decisions: mean cost of the choice above the best plan tried, kWh-equivalents. */
  readonly heldOutRegret: number;
  /** Share of held-out decisions where the choice is the best plan tried. */
  readonly heldOutAgreement: number;
}

/** What training produces; `checkpoint.ts` turns it into a file. */
export interface TrainedNetwork {
  readonly network: NetworkConfig;
  readonly parameters: readonly Parameter[];
  readonly scales: FeatureScales;
  readonly costScale: number;
  readonly curve: readonly EpochReport[];
  /** The fixed proposal with the least mean regret on the training decisions, and its held-out regret. */
  readonly bestFixed: { readonly source: string; readonly heldOutRegret: number };
}

/** @param onEpoch Told after every epoch; returning false ends training with the weights so far. */
export async function trainNetwork(
  backend: Backend,
  train: readonly Example[],
  heldOut: readonly Example[],
  options: TrainOptions,
  onEpoch?: (report: EpochReport) => boolean | undefined,
): Promise<TrainedNetwork> {
  const scales: FeatureScales = {
    host: columnScale(
      train.map((example) => example.table.host),
      hostFeatures.length,
    ),
    vm: columnScale(
      train.map((example) => example.table.vm),
      vmFeatures.length,
    ),
  };
  const costScale = meanSpread(train);
  const shape = batchShape(train, options.batch);
  const model = trainingModel(options.network, options);
  const initial = initializeParameters(model, { ...shape, plans: 1 }, options.seed);
  const trainer = backend.createTrainer(model, initial, {
    gradientNormMax: 1,
    weightDecay: 1e-4,
  });
  const curve: EpochReport[] = [];
  const average = new ParameterAverage();
  let final: readonly Parameter[] = initial;
  for (let epoch = 0; epoch < options.epochs; epoch++) {
    const order = shuffled(train, new RandomStream(options.seed, `epoch/${epoch}`));
    let loss = 0;
    let seen = 0;
    for (const batch of batches(order, shape)) {
      const { bucket, feeds } = packExamples(batch, scales, shape, costScale);
      // Cosine decay to a twentieth.
      const done = (epoch + seen / order.length) / options.epochs;
      const rate = options.learningRate * (0.525 + 0.475 * Math.cos(Math.PI * done));
      const step = await trainer.step(bucket, feeds, rate);
      loss += step.loss * batch.length;
      seen += batch.length;
    }
    if (epoch >= options.epochs - averagedEpochs(options.epochs)) average.add(trainer.parameters());
    const parameters = average.count > 0 ? average.mean() : trainer.parameters();
    const held = assess(heldOut, options.network, parameters, scales);
    const report = { epoch, trainLoss: loss / seen, ...held };
    curve.push(report);
    final = parameters;
    if (onEpoch?.(report) === false) break;
  }
  await trainer.dispose();
  const bestFixed = bestFixedSource(train, heldOut);
  return { network: options.network, parameters: final, scales, costScale, curve, bestFixed };
}

/** Epochs at the end whose weights are averaged: the last third. */
function averagedEpochs(epochs: number): number {
  return Math.max(1, Math.floor(epochs / 3));
}

/** Mean of the weights of several epochs (Izmailov et al. 2018, stochastic weight averaging). */
class ParameterAverage {
  count = 0;
  #sums: Parameter[] = [];

  add(parameters: readonly Parameter[]): void {
    this.count++;
    if (this.count === 1) {
      this.#sums = parameters.map((parameter) => ({ ...parameter, data: parameter.data.slice() }));
      return;
    }
    parameters.forEach((parameter, index) => {
      const { data } = this.#sums[index]!;
      for (let cell = 0; cell < data.length; cell++) data[cell]! += parameter.data[cell]!;
    });
  }

  mean(): Parameter[] {
    return this.#sums.map((sum) => ({ ...sum, data: sum.data.map((cell) => cell / this.count) }));
  }
}

/**
 * Mean over decisions of the spread of plan costs, kWh-equivalents: the deviation, but at most three
 * times the distance from the best plan to the median one, so that a single absurd plan (all hosts
 * on in a large cluster) does not make all other differences look like nothing.
 */
function meanSpread(examples: readonly Example[]): number {
  let total = 0;
  for (const { objective } of examples) {
    const mean = objective.reduce((sum, cost) => sum + cost, 0) / objective.length;
    const variance =
      objective.reduce((sum, cost) => sum + (cost - mean) * (cost - mean), 0) / objective.length;
    const ascending = objective.slice().sort();
    const toMedian = ascending[ascending.length >> 1]! - ascending[0]!;
    total += Math.min(Math.sqrt(variance), 3 * toMedian);
  }
  return Math.max(1e-9, total / Math.max(1, examples.length));
}

/** One shape for all batches: a quarter more than the mean batch, at least the largest decision. */
function batchShape(examples: readonly Example[], batch: number): BatchShape {
  const size = Math.min(batch, examples.length);
  const room = (pick: (example: Example) => number): number => {
    let sum = 0;
    let largest = 0;
    for (const example of examples) {
      sum += pick(example);
      largest = Math.max(largest, pick(example));
    }
    return Math.ceil(Math.max(largest, (1.25 * size * sum) / examples.length)) + 1;
  };
  return {
    rows: room((example) => example.table.rows),
    vmRows: room((example) => example.table.vmRows),
    terms: room((example) => example.table.terms),
    plansEach: shapeOf(examples.map((example) => example.table)).plansEach,
    decisions: size,
  };
}

/** Cuts `order` into batches that fit the shape. */
function* batches(order: readonly Example[], shape: BatchShape): Generator<Example[]> {
  let batch: Example[] = [];
  let rows = 1;
  let vmRows = 0;
  let terms = 0;
  for (const example of order) {
    const { table } = example;
    const full =
      batch.length === shape.decisions ||
      rows + table.rows > shape.rows ||
      vmRows + table.vmRows > shape.vmRows ||
      terms + table.terms > shape.terms;
    if (full && batch.length > 0) {
      yield batch;
      batch = [];
      rows = 1;
      vmRows = 0;
      terms = 0;
    }
    batch.push(example);
    rows += table.rows;
    vmRows += table.vmRows;
    terms += table.terms;
  }
  if (batch.length > 0) yield batch;
}

function shuffled(examples: readonly Example[], stream: RandomStream): Example[] {
  const order = [...examples];
  for (let last = order.length - 1; last > 0; last--) {
    const other = stream.integer(last + 1);
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}

function assess(
  examples: readonly Example[],
  network: NetworkConfig,
  parameters: readonly Parameter[],
  scales: FeatureScales,
): Pick<EpochReport, 'heldOutRegret' | 'heldOutAgreement'> {
  const predictor = createPlainPredictor(scoringModel(network), parameters);
  let regret = 0;
  let agreed = 0;
  let judged = 0;
  for (const example of examples) {
    const { bucket, feeds } = packTables([example.table], scales, shapeOf([example.table]));
    const { scores } = predictor.run(bucket, feeds);
    const choice = bestLegal(scores!, example.table.legal);
    // A decision without a legal plan leaves nothing to choose.
    if (choice < 0) continue;
    const least = leastCost(example);
    regret += example.objective[choice]! - least;
    if (example.objective[choice] === least) agreed++;
    judged++;
  }
  const count = Math.max(1, judged);
  return { heldOutRegret: regret / count, heldOutAgreement: agreed / count };
}

/** Index of the best score among the legal plans, the lowest on ties; -1 when none is legal. */
export function bestLegal(scores: ArrayLike<number>, legal: Float32Array): number {
  let best = -1;
  for (let plan = 0; plan < legal.length; plan++) {
    if (legal[plan] === 0) continue;
    if (best < 0 || scores[plan]! > scores[best]!) best = plan;
  }
  return best;
}

function leastCost(example: Example): number {
  let least = Infinity;
  for (let plan = 0; plan < example.table.plans; plan++) {
    if (example.table.legal[plan] === 1) least = Math.min(least, example.objective[plan]!);
  }
  return least;
}

/** What always following one proposal costs: the bar that a choice by state must pass. */
function bestFixedSource(
  train: readonly Example[],
  heldOut: readonly Example[],
): TrainedNetwork['bestFixed'] {
  const regretOf = (examples: readonly Example[]): Map<string, number> => {
    const totals = new Map<string, { regret: number; count: number }>();
    for (const example of examples) {
      const least = leastCost(example);
      if (least === Infinity) continue;
      example.sources.forEach((source, plan) => {
        const total = totals.get(source) ?? { regret: 0, count: 0 };
        total.regret += example.objective[plan]! - least;
        total.count++;
        totals.set(source, total);
      });
    }
    const means = new Map<string, number>();
    for (const [source, { regret, count }] of totals) {
      // Only proposals that were tried at most decisions can be followed.
      if (count >= 0.9 * examples.length) means.set(source, regret / count);
    }
    return means;
  };
  const fromTrain = [...regretOf(train)].sort((a, b) => a[1] - b[1]);
  const held = regretOf(heldOut);
  const [source = 'none', trainRegret = Number.NaN] = fromTrain[0] ?? [];
  return { source, heldOutRegret: held.get(source) ?? trainRegret };
}
