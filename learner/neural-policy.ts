/** The trained network as a policy: propose, mask what is illegal, take the best score. */
import { type Policy, propose, proposers, withFrequencies } from '../sim/index.ts';
import { type FeatureScales, packTables, shapeOf } from './batch.ts';
import { type NetworkConfig, scoringModel } from './plan-network.ts';
import { describePlans } from './plan-table.ts';
import { createPlainPredictor, type Parameter } from './runtime/index.ts';
import { bestLegal } from './train.ts';

export interface NeuralPolicySpec {
  readonly network: NetworkConfig;
  readonly parameters: readonly Parameter[];
  readonly scales: FeatureScales;
}

/** @param name How results call the policy. */
export function neuralPolicy(name: string, spec: NeuralPolicySpec): Policy {
  const policies = proposers();
  const predictor = createPlainPredictor(scoringModel(spec.network), spec.parameters);
  return {
    name,
    decide(cluster, plan, chance) {
      const candidates = withFrequencies(cluster, propose(cluster, plan.budget, chance, policies));
      const table = describePlans(
        cluster,
        candidates.map((candidate) => candidate.actions),
      );
      const { bucket, feeds } = packTables([table], spec.scales, shapeOf([table]));
      const { scores } = predictor.run(bucket, feeds);
      const choice = candidates[bestLegal(scores!, table.legal)];
      for (const action of choice?.actions ?? []) plan.add(action);
    },
  };
}
