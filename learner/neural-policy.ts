/** The trained network as a policy: propose, mask what is illegal, take the best score. */
import {
  type Candidate,
  mutations,
  type Plan,
  type Policy,
  propose,
  proposers,
  withFrequencies,
} from '../sim/index.ts';
import { type FeatureScales, packTables, shapeOf } from './batch.ts';
import { type NetworkConfig, scoringModel } from './plan-network.ts';
import { describePlans } from './plan-table.ts';
import { createPlainPredictor, type Parameter } from './runtime/index.ts';
import { bestLegal } from './train.ts';

export interface NeuralPolicySpec {
  readonly network: NetworkConfig;
  readonly parameters: readonly Parameter[];
  readonly scales: FeatureScales;
  /** Rounds of improving the chosen plan by leaving parts of it out. @default 2 */
  readonly refinements?: number;
}

const mutationsPerRound = 12;

export function neuralPolicy(name: string, spec: NeuralPolicySpec): Policy {
  const policies = proposers();
  const predictor = createPlainPredictor(scoringModel(spec.network), spec.parameters);
  const { refinements = 2 } = spec;
  return {
    name,
    decide(cluster, plan, chance) {
      const scoreAll = (candidates: readonly Candidate[]): { index: number; score: number } => {
        const table = describePlans(
          cluster,
          candidates.map((candidate) => candidate.actions),
        );
        const { bucket, feeds } = packTables([table], spec.scales, shapeOf([table]));
        const { scores } = predictor.run(bucket, feeds);
        const index = bestLegal(scores!, table.legal);
        return { index, score: index < 0 ? -Infinity : scores![index]! };
      };
      const proposals = withFrequencies(cluster, propose(cluster, plan.budget, chance, policies));
      let found = scoreAll(proposals);
      let best = proposals[found.index];
      for (let round = 0; round < refinements && best !== undefined; round++) {
        const neighbours = mutations(cluster, best, mutationsPerRound);
        if (neighbours.length === 0) break;
        const next = scoreAll(neighbours);
        if (next.score <= found.score) break;
        found = next;
        best = neighbours[next.index];
      }
      addAll(plan, best);
    },
  };
}

function addAll(plan: Plan, candidate: Candidate | undefined): void {
  for (const action of candidate?.actions ?? []) plan.add(action);
}
