/** How far the oracle's choice stays above the best of all plans, on clusters small enough to know. */
import {
  bruteForce,
  defaultOracle,
  type OracleOptions,
  rolloutSpecOf,
  type ScoredPlan,
  searchHere,
  searchSpecOf,
} from '../oracle/index.ts';
import {
  advance,
  applyPlan,
  defaultObjective,
  modelOf,
  parseScenario,
  proposers,
  RandomStream,
  Twin,
  unlimited,
} from '../sim/index.ts';
import { createSynthetic } from '../traces/index.ts';

export interface GapReport {
  readonly instances: number;
  /** (oracle − best) / best, mean and largest. */
  readonly mean: number;
  readonly largest: number;
  /** Instances where the oracle found a best plan. */
  readonly solvedExactly: number;
  readonly plansPerInstance: number;
}

const tiny = `
name: tiny
hosts:
  - { model: grid5000-stremi, count: 2, memory: 24 GiB, cores: 6 }
  - { model: ibm-x3550-m3-x5670, count: 1, memory: 24 GiB, cores: 4 }
workload: { type: synthetic }
`;

/** Three hosts, four VMs of random size, each at a random hour of its own day. */
export function measureGap(instances: number, seed: number): GapReport {
  const options: OracleOptions = {
    ...defaultOracle,
    decisionEveryMs: 300_000,
    budget: unlimited,
    objective: defaultObjective,
  };
  const scenario = parseScenario(tiny, 'tiny');
  const gaps: number[] = [];
  let plans = 0;
  for (let instance = 0; instance < instances; instance++) {
    const sizes = [1, 2, 4].map((vcpus) => ({
      vcpus,
      vcpuMips: 1700,
      memoryBytes: vcpus * 2 ** 30,
    }));
    const { workload } = createSynthetic({ vms: 4, steps: 288, seed: seed + instance, sizes });
    const twin = Twin.create(modelOf(scenario, workload, 'tiny'), seed + instance);
    const chance = new RandomStream(seed + instance, 'gap');
    const rollouts = rolloutSpecOf(options);
    const decide = (): ScoredPlan =>
      searchHere(twin, twin.fork(), chance, proposers(), searchSpecOf(options), rollouts)[0]!;
    // Place at midnight, then meet the cluster at some later hour.
    applyPlan(twin, decide().actions);
    advance(twin, (12 + chance.integer(240)) * 300_000);
    const found = decide();
    const exact = bruteForce(twin, defaultObjective, rollouts);
    plans += exact.plans;
    gaps.push(Math.max(0, found.objective / exact.objective - 1));
  }
  return {
    instances,
    mean: gaps.reduce((sum, gap) => sum + gap, 0) / instances,
    largest: Math.max(...gaps),
    solvedExactly: gaps.filter((gap) => gap < 1e-9).length,
    plansPerInstance: plans / instances,
  };
}
