/**
 * The oracle's search for one decision: fork the twin, try what many heuristics propose and what
 * is near the best of it, look half an hour ahead. Run: npx tsx examples/best-plan.ts
 */
import * as oracle from '../oracle/index.ts';
import * as sim from '../sim/index.ts';
import { readWorkload } from '../traces/index.ts';

const text = `
name: best-plan
hosts: [{ model: grid5000-stremi, count: 4 }, { model: ibm-x3650-m2, count: 2 }]
workload: { type: synthetic }`;
const scenario = sim.parseScenario(text, 'best-plan');
const workload = readWorkload({ type: 'synthetic', vms: 30, steps: 144, seed: 3 });
const twin = sim.Twin.create(sim.modelOf(scenario, workload, 'best-plan'), scenario.seed);
const options: oracle.OracleOptions = {
  ...oracle.defaultOracle,
  decisionEveryMs: scenario.decisionEvery,
  budget: sim.budgetOf(scenario),
  objective: sim.objectiveOf(scenario),
};

// Spread everything out until eight in the morning, then ask what would be best to do.
const { decisionEveryMs, objective } = options;
const untilMs = 8 * 3_600_000;
sim.runPolicy(twin, sim.createPolicy('all-on', ''), { untilMs, decisionEveryMs, objective });
const plans = oracle.searchHere(
  twin,
  twin.fork(),
  new sim.RandomStream(1, 'example'),
  sim.proposers(),
  oracle.searchSpecOf(options),
  oracle.rolloutSpecOf(options),
);
console.log(`${plans.length} plans tried; the best, and where they came from:`);
for (const { source, objective: cost, actions } of plans.slice(0, 4)) {
  console.log(`${cost.toFixed(4)} kWh  ${actions.length} actions  ${source}`);
}
