/** The search on forks: what it promises about its plans, its parent and its numbers. */
import { describe, expect, it } from 'vitest';
import {
  bruteForce,
  defaultSearch,
  oraclePolicy,
  type RolloutSpec,
  rollout,
  rolloutSpecOf,
  type SearchSpec,
  searchHere,
} from '../../oracle/index.ts';
import { loadEpisode, startTwin as startEpisode } from '../../scripts/episode.ts';
import { measureGap } from '../../scripts/optimality-gap.ts';
import {
  advance,
  applyPlan,
  createPolicy,
  defaultObjective,
  isLegalPlan,
  propose,
  proposers,
  RandomStream,
  runPolicy,
  scalarCost,
  type Twin,
  TwinView,
  unlimited,
  withFrequencies,
} from '../../sim/index.ts';
import { type ClusterOptions, startTwin, threePstates } from '../builders.ts';
import { labelHere, smallEpisode, smallOracleOn, smallScenario } from '../small-episodes.ts';

const minute = 60_000;

/** Demand that rises on some VMs and falls on others, so that no plan is best for ever. */
const uneven = (vm: number): number[] =>
  Array.from({ length: 8 }, (_, row) => 300 + ((vm * 613 + row * 457) % 1500));

const cluster: ClusterOptions = {
  hosts: [{ pstates: threePstates }, { pstates: threePstates }, { coreMips: 2000, fullW: 300 }],
  vms: Array.from({ length: 7 }, (_, vm) => ({ demandMips: uneven(vm), host: vm % 3 })),
};

const searchSpec: SearchSpec = {
  ...defaultSearch,
  budget: unlimited,
  objective: defaultObjective,
};

function rollouts(decisions = 3): RolloutSpec {
  return {
    horizonMs: decisions * 5 * minute,
    decisionEveryMs: 5 * minute,
    budget: unlimited,
    base: createPolicy({ name: 'pabfd', maxUtilization: 0.5 }, 'base'),
  };
}

/** The cluster after half an hour under a policy: VMs measured, some hosts off. */
function met(seed = 1): Twin {
  const twin = startTwin(cluster, seed);
  runPolicy(twin, createPolicy('pabfd', 'policy'), {
    untilMs: 15 * minute,
    decisionEveryMs: 5 * minute,
    objective: defaultObjective,
  });
  return twin;
}

const searched = (twin: Twin, spec = searchSpec, seed = 1) =>
  searchHere(twin, twin.fork(), new RandomStream(seed, 'test'), proposers(), spec, rollouts());

describe('search', () => {
  it('finds the same plans with the same costs from the same state and stream', () => {
    expect(searched(met())).toEqual(searched(met()));
  });

  it('ranks by objective and leaves no plan it tried above its best', () => {
    const ranked = searched(met());
    expect(ranked.length).toBeGreaterThan(5);
    for (let plan = 1; plan < ranked.length; plan++) {
      expect(ranked[plan]!.objective).toBeGreaterThanOrEqual(ranked[plan - 1]!.objective);
    }
  });

  it('is never worse than any heuristic proposal, scored independently', () => {
    const twin = met();
    const best = searched(twin)[0]!;
    const view = new TwinView(twin);
    const proposals = propose(view, unlimited, new RandomStream(1, 'test'), proposers());
    const scratch = twin.fork();
    for (const proposal of withFrequencies(view, proposals, [0.8])) {
      const cost = rollout(twin, scratch, proposal.actions, rollouts());
      expect(best.objective, proposal.source).toBeLessThanOrEqual(
        scalarCost(cost, defaultObjective),
      );
    }
  });

  it('tries no plan twice and only plans that can be carried out whole', () => {
    const twin = met();
    const ranked = searched(twin);
    const texts = ranked.map((plan) => JSON.stringify(plan.actions));
    expect(new Set(texts).size).toBe(texts.length);
    const view = new TwinView(twin);
    for (const plan of ranked) {
      expect(isLegalPlan(view, plan.actions), plan.source).toBe(true);
      expect(applyPlan(twin.fork(), plan.actions), plan.source).toEqual([]);
    }
  });

  it('keeps every plan within the migration limit', () => {
    for (const migrations of [0, 1, 2]) {
      const ranked = searched(met(), { ...searchSpec, budget: { migrations } });
      for (const { actions } of ranked) {
        const moves = actions.filter((action) => action.type === 'migrate').length;
        expect(moves).toBeLessThanOrEqual(migrations);
      }
    }
  });

  it('leaves the state it searches from as it was, byte for byte', () => {
    const twin = met();
    const before = twin.fork();
    searched(twin);
    bruteForce(startTwin({ hosts: 2, vms: [{ host: 0 }] }), defaultObjective, rollouts());
    expect(twin.state.equals(before.state)).toBe(true);
  });
});

describe('rollout', () => {
  it('gives the same plan the same cost whatever was rolled out before', () => {
    const twin = met();
    const scratch = twin.fork();
    const plans = searched(twin).map((plan) => plan.actions);
    const once = plans.map((actions) => rollout(twin, scratch, actions, rollouts()));
    const backwards = plans.toReversed().map((actions) => {
      return rollout(twin, scratch, actions, rollouts());
    });
    expect(backwards.toReversed()).toEqual(once);
  });

  it('draws the same random numbers for every plan of a decision', () => {
    // The base policy picks VMs to move at random; with common numbers a plan that changes nothing
    // costs the same under any name, and forks never advance the parent's streams.
    const twin = met();
    const spec = { ...rollouts(), base: createPolicy({ name: 'thr-rs', parameter: 0.3 }, 'base') };
    const words = twin.state.rng.slice();
    const costs = Array.from({ length: 5 }, () => rollout(twin, twin.fork(), [], spec));
    for (const cost of costs) expect(cost).toEqual(costs[0]);
    expect(twin.state.rng).toEqual(words);
  });

  it('costs what one host of constant power costs: energy = power × horizon', () => {
    // 4 × 1000 MIPS, 100 W idle, 200 W full, demand 2000 MIPS = half: 150 W for 15 min = 0.0375 kWh.
    const twin = startTwin({ hosts: 1, vms: [{ demandMips: 2000, host: 0 }] });
    const cost = rollout(twin, twin.fork(), [], rollouts(3));
    expect(cost.energyKwh).toBeCloseTo(0.15 * 0.25, 12);
    expect(cost).toMatchObject({ lostVcpuHours: 0, migrations: 0 });
  });

  it('counts only what happens after the decision', () => {
    const twin = startTwin({ hosts: 1, vms: [{ demandMips: 2000, host: 0 }] });
    const fresh = rollout(twin, twin.fork(), [], rollouts(3));
    advance(twin, 60 * minute);
    const later = rollout(twin, twin.fork(), [], rollouts(3));
    expect(later.energyKwh).toBeCloseTo(fresh.energyKwh, 12);
  });
});

describe('against all possible plans', () => {
  const tiny: ClusterOptions = {
    hosts: [
      { pstates: threePstates },
      { pstates: threePstates },
      { coreMips: 2000, idleW: 60, fullW: 260 },
    ],
    vms: Array.from({ length: 4 }, (_, vm) => ({ demandMips: uneven(vm + 3), host: vm % 3 })),
  };

  it('enumerates every placement with every frequency and switch', () => {
    // 2 hosts, 1 VM on host 0, one P-state each: {stay, move} × {other host: leave on, switch off}.
    const twin = startTwin({ hosts: 2, vms: [{ demandMips: 500, host: 0 }] });
    expect(bruteForce(twin, defaultObjective, rollouts()).plans).toBe(2 * 2);
    // With three P-states each: 3 × (3 + off) per placement.
    const slower = startTwin({
      hosts: [{ pstates: threePstates }, { pstates: threePstates }],
      vms: [{ demandMips: 500, host: 0 }],
    });
    expect(bruteForce(slower, defaultObjective, rollouts()).plans).toBe(2 * 3 * 4);
  });

  it('knows the best plan where it can be derived: one host is enough, the other sleeps', () => {
    const twin = startTwin({ hosts: 2, vms: [{ demandMips: 500, host: 0 }] });
    const best = bruteForce(twin, defaultObjective, rollouts(12));
    expect(best.actions).toEqual([{ type: 'powerOff', host: 1 }]);
    expect(searched(twin)[0]!.actions).toEqual(best.actions);
  });

  it('never lose to the search', () => {
    for (const atMs of [5 * minute, 20 * minute]) {
      const twin = startTwin(tiny);
      advance(twin, atMs);
      const exact = bruteForce(twin, defaultObjective, rollouts());
      const best = searched(twin)[0]!;
      expect(best.objective).toBeGreaterThanOrEqual(exact.objective * (1 - 1e-9));
    }
  });

  it('stays within 10 % of the best plan on average over tiny clusters, and often finds it', () => {
    const gap = measureGap(8, 1);
    expect(gap.instances).toBe(8);
    expect(gap.mean).toBeGreaterThanOrEqual(0);
    expect(gap.mean).toBeLessThan(0.1);
    expect(gap.largest).toBeLessThan(0.5);
    expect(gap.solvedExactly).toBeGreaterThanOrEqual(3);
  });

  it('refuses clusters with too many plans to enumerate', () => {
    const twin = startTwin({ hosts: 10, vms: Array.from({ length: 6 }, () => ({ host: 0 })) });
    expect(() => bruteForce(twin, defaultObjective, rollouts())).toThrow('1000000 placements');
  });
});

describe('the oracle as a policy', () => {
  it('beats its own base policy, and staying all on, on small episodes it looks through', () => {
    for (const seed of [1, 2, 3]) {
      const episode = smallEpisode(seed, smallScenario(10));
      const { options: short, untilMs } = smallOracleOn(episode);
      const options = { ...short, horizonDecisions: 12 };
      const loaded = loadEpisode(episode);
      const run = (policy: Parameters<typeof runPolicy>[1]): number =>
        runPolicy(startEpisode(episode, loaded), policy, { ...options, untilMs }).objective;
      const oracle = run(oraclePolicy(options));
      expect(oracle).toBeLessThan(run(rolloutSpecOf(options).base));
      expect(oracle).toBeLessThan(run(createPolicy('all-on', 'policy')));
    }
  });

  it('carries out plans whole and within the budget', () => {
    const { twin, options, untilMs } = smallOracleOn(smallEpisode(2));
    const budget = { migrations: 1 };
    const result = runPolicy(twin, oraclePolicy({ ...options, budget }), {
      ...options,
      budget,
      untilMs,
    });
    expect(result.refusedActions).toBe(0);
    for (const row of result.series) expect(row.migrations).toBeLessThanOrEqual(1);
  });

  it('decides without VMs and with one host', () => {
    const { options } = smallOracleOn(smallEpisode());
    for (const cluster of [{ hosts: 2 }, { hosts: 1, vms: [{ demandMips: 900 }] }]) {
      const result = runPolicy(startTwin({ ...cluster, steps: 3 }), oraclePolicy(options), {
        ...options,
        untilMs: 15 * minute,
      });
      expect(result.refusedActions).toBe(0);
    }
  });
});

it('labels the same without exploration as the oracle would decide', async () => {
  const episode = smallEpisode(4);
  const demonstrations = await labelHere(episode, 0);
  expect(demonstrations.map((demonstration) => demonstration.executed)).toEqual([0, 0, 0, 0, 0, 0]);
});
