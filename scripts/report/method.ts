/** How the numbers came about, so that a reader can judge and repeat them. */
import { currencyOf, type Evaluation, type PolicyResult } from '../evaluate/results.ts';
import { columns } from './columns.ts';
import { duration, fixed } from './format.ts';
import { plural } from './headline.ts';
import { castOf } from './roles.ts';

export function method(
  evaluation: Evaluation,
  results: readonly PolicyResult[],
): [term: string, text: string][] {
  const { records, objective, optimalityGap, hosts, vms } = evaluation;
  const { learned, oracle, bestHeuristic } = castOf(results);
  const seeds = new Set(records.map(({ seed }) => seed)).size;
  const scenarios = new Set(records.map(({ scenario }) => scenario)).size;
  const lengthMs = 1000 * Math.max(...records.map(({ summary }) => summary.simulatedS));
  const rows: [string, string][] = [
    ['Workload', evaluation.workload],
    ['Cluster', `${plural(hosts, 'host')}, ${plural(vms, 'VM')}`],
  ];
  if (learned !== undefined) rows.push(['Trained on', evaluation.trainedOn]);
  rows.push(
    ['Tested on', evaluation.testedOn],
    [
      'Runs',
      `${plural(scenarios, 'scenario')} and ${plural(seeds, 'seed')}, ${plural(records.length, 'run')} in all over ` +
        `${plural(results.length, 'policy').replace('policys', 'policies')}; each ${duration(lengthMs)} of simulated time with a ` +
        `decision every ${duration(evaluation.decisionEveryMs)}. All policies meet the same arrivals and demands.`,
    ],
    [
      'Objective',
      `energy [kWh] × ${objective.energyPerKwh} + lost work [vCPU·h] × ${objective.lostPerVcpuHour} + ` +
        `migrations × ${objective.perMigration}${facilityTerms(evaluation)}, in kWh-equivalents. Lost work is CPU time asked for and not ` +
        'delivered: contention, slow P-states, waiting for a host, and migrations.',
    ],
    [
      'Intervals',
      '95 % t-intervals of the mean over runs. Differences between two policies are taken run by run, on the ' +
        'same scenario and seed, so what both share cancels out.',
    ],
  );
  if (oracle !== undefined) {
    rows.push([
      'Regret',
      'How far a policy’s objective lies above the oracle’s on the same scenario and seed, in per cent. The oracle ' +
        'searches plans by simulating their future, which no policy in operation could see.',
    ]);
  }
  if (optimalityGap !== undefined) {
    rows.push([
      'Optimality gap',
      `On ${plural(optimalityGap.instances, 'tiny cluster')} where all plans can be tried, the oracle’s plan costs ` +
        `${fixed(100 * optimalityGap.mean, 2)} % more than the best one on average and ` +
        `${fixed(100 * optimalityGap.largest, 2)} % at most; it is the best one in ${optimalityGap.solvedExactly} of them.`,
    ]);
  }
  if (bestHeuristic !== undefined && results.length > 1) {
    rows.push([
      'Best heuristic',
      'The heuristic with the least mean objective on these very runs: picked with hindsight, which favours it.',
    ]);
  }
  for (const { title, explanation } of [columns.slatah, columns.pdm, columns.slav, columns.esv]) {
    rows.push([title, `${explanation[0]!.toUpperCase()}${explanation.slice(1)}.`]);
  }
  rows.push([
    'Decision time',
    'Wall time on the machine that ran the evaluation, p50 and p99 over all decisions.',
  ]);
  return rows;
}

/** Money and carbon, where they have a weight. */
function facilityTerms({ objective, records }: Evaluation): string {
  const { moneyPerUnit = 0, carbonPerKg = 0 } = objective;
  const currency = currencyOf(records) || 'currency';
  const money = moneyPerUnit === 0 ? '' : ` + money [${currency}] × ${moneyPerUnit}`;
  return `${money}${carbonPerKg === 0 ? '' : ` + carbon [kg CO₂eq] × ${carbonPerKg}`}`;
}
