/**
 * The set policy. A small network gives each host case an expected cost over the horizon; a plan's
 * score is minus the sum of what it changes; a softmax over the legal plans is the policy.
 *
 *   v_j = relu(V · vm_j)                      for each VM j on the host
 *   z   = [host, Σ_j v_j]
 *   g   = W3 · relu(W2 · relu(W1 · z)) + w · host
 *   score(plan) = − Σ_changed hosts (g(after) − g(before)) − w_m · migrations
 *
 * Sums over VMs and hosts make it a function of sets: no parameter knows how many there are
 * (Zaheer et al. 2017, Deep Sets). Scores are in units of `costScale` kWh-equivalents.
 */
import { hostFeatures, vmFeatures } from './features.ts';
import type { Bucket, Model, Ops, SymbolicTensor } from './runtime/index.ts';

/** Sizes of the layers, stored in the checkpoint. */
export interface NetworkConfig {
  readonly vmWidth: number;
  readonly hostWidth: number;
}

export const defaultNetwork: NetworkConfig = { vmWidth: 16, hostWidth: 48 };

/** Inputs: see `PlanTable`; buckets: rows, vmRows, terms, plans. */
function planScores<T extends SymbolicTensor>(
  ops: Ops<T>,
  bucket: Bucket,
  config: NetworkConfig,
): T {
  const { rows = 1, vmRows = 1, terms = 1, plans = 1 } = bucket;
  const { vmWidth, hostWidth } = config;
  const host = ops.input('host', [rows, hostFeatures.length]);
  const vm = ops.input('vm', [vmRows, vmFeatures.length]);
  const vmOwner = ops.input('vmOwner', [vmRows], 'int32');
  const dense = (name: string, x: T, from: number, to: number): T =>
    ops.relu(
      ops.add(
        ops.matmul(x, ops.parameter(`${name}/kernel`, [from, to], 'he')),
        ops.parameter(`${name}/bias`, [to], 'zeros'),
      ),
    );
  const vmHidden = dense('vm', vm, vmFeatures.length, vmWidth);
  const pooled = ops.segmentSum(vmHidden, vmOwner, rows);
  const joined = ops.concat([host, ops.scale(pooled, 0.1)]);
  const first = dense('host1', joined, hostFeatures.length + vmWidth, hostWidth);
  const second = dense('host2', first, hostWidth, hostWidth);
  const cost = ops.add(
    ops.matmul(second, ops.parameter('cost/kernel', [hostWidth, 1], 'glorot')),
    ops.matmul(host, ops.parameter('cost/linear', [hostFeatures.length, 1], 'zeros')),
  );
  const termRow = ops.input('termRow', [terms], 'int32');
  const termPlan = ops.input('termPlan', [terms], 'int32');
  const termSign = ops.input('termSign', [terms, 1]);
  const signed = ops.mul(ops.gatherRows(cost, termRow), termSign);
  const change = ops.segmentSum(signed, termPlan, plans);
  const migrations = ops.input('migrations', [plans, 1]);
  const moving = ops.mul(migrations, ops.parameter('migration/price', [1, 1], 'zeros'));
  return ops.scale(ops.add(change, moving), -1);
}

/** Scores of one decision's plans: output `scores` [plans, 1]. */
export function scoringModel(config: NetworkConfig): Model {
  return (ops, bucket) => ({ scores: planScores(ops, bucket, config) });
}

/** How the two losses are put together. */
export interface LossOptions {
  /** Weight of the soft choice beside the cost regression. */
  readonly choiceWeight: number;
  /**
   * Where the regression turns from squared to absolute error, in units of `costScale`. Costs have
   * a long tail (a plan that starves VMs in a surge); a small delta would learn the median and so
   * underrate that risk, a very large one would let single decisions drown the rest.
   */
  readonly costDelta: number;
}

/**
 * Training: `decisions` decisions of `plansEach` padded plans. Two losses: the expected cost of
 * each plan against the mean of its decision (Huber), and the oracle's soft choice (cross entropy).
 */
export function trainingModel(config: NetworkConfig, loss: LossOptions): Model {
  return (ops, bucket) => {
    const { decisions = 1, plansEach = 1 } = bucket;
    const shape = [decisions, plansEach];
    const flat = planScores(ops, { ...bucket, plans: decisions * plansEach }, config);
    const scores = ops.reshape(flat, shape);
    const mask = ops.input('mask', shape);
    const targetCost = ops.input('targetCost', shape);
    const targetChoice = ops.input('targetChoice', shape);
    // [decisions, 1] one over the number of real plans.
    const oneOverCount = ops.input('oneOverCount', [decisions, 1]);
    const mean = ops.mul(ops.sum(ops.mul(scores, mask), -1, true), oneOverCount);
    const centred = ops.scale(ops.sub(scores, mean), -1);
    const regression = ops.huber(
      ops.mul(centred, mask),
      ops.mul(targetCost, mask),
      loss.costDelta,
      mask,
    );
    const choice = ops.crossEntropy(ops.scale(scores, choiceSharpness), targetChoice, mask);
    return { loss: ops.add(regression, ops.scale(choice, loss.choiceWeight)), scores };
  };
}

/** Inverse temperature of the choice, per unit of `costScale`. */
export const choiceSharpness = 10;
