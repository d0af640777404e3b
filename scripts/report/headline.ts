/** The result in words, told the same whether the learned policy wins or loses. */
import {
  type Estimate,
  type PolicyResult,
  pairedPercent,
  type RunRecord,
} from '../evaluate/results.ts';
import { decimalsFor, fixed, plusMinus } from './format.ts';
import { castOf } from './roles.ts';

/** `3.1 ± 0.8 %`, without sign. */
export function percentText({ mean, halfWidth }: Estimate): string {
  const decimals = Math.min(3, decimalsFor([Number.isFinite(halfWidth) ? halfWidth : mean], 2));
  return `${plusMinus({ mean: Math.abs(mean), halfWidth }, decimals)} %`;
}

/** `+2.0 %` or `−3.1 %`. */
export function signedPercent(percent: number): string {
  return `${percent > 0 ? '+' : ''}${fixed(percent, Math.abs(percent) < 10 ? 1 : 0)} %`;
}

/** Whether the interval leaves the sign open. A single value has no interval and leaves it open. */
export const undecided = ({ mean, halfWidth }: Estimate): boolean => !(Math.abs(mean) > halfWidth);

/** One or two sentences that state the outcome. */
export function headline(records: readonly RunRecord[], results: readonly PolicyResult[]): string {
  const { oracle, learned, bestHeuristic } = castOf(results);
  if (learned === undefined) return withoutLearned(records, oracle, bestHeuristic);
  const runs = `${plural(learned.objective.count, 'run')}${learned.objective.count > 1 ? ', 95 % confidence intervals' : ', so without a confidence interval'}`;
  const parts: string[] = [];
  if (bestHeuristic !== undefined) {
    const percent = pairedPercent(records, learned.policy, bestHeuristic.policy);
    parts.push(against(percent, `the best heuristic (${bestHeuristic.policy})`));
  }
  if (oracle !== undefined) {
    parts.push(against(pairedPercent(records, learned.policy, oracle.policy), 'the oracle'));
  }
  if (parts.length === 0) return 'Only the learned policy was run; there is nothing to compare.';
  return `The learned policy costs ${parts.join(', and ')}; ${runs}.`;
}

/** `3.1 ± 0.8 % less than …`, saying so when the interval includes no difference. */
function against(percent: Estimate, other: string): string {
  if (percent.count === 0) return `an unknown amount against ${other}, no run being shared`;
  const text = `${percentText(percent)} ${percent.mean <= 0 ? 'less' : 'more'} than ${other}`;
  const open = percent.count > 1 && undecided(percent);
  return open ? `${text} – too little to tell from chance` : text;
}

function withoutLearned(
  records: readonly RunRecord[],
  oracle: PolicyResult | undefined,
  bestHeuristic: PolicyResult | undefined,
): string {
  if (bestHeuristic === undefined) return 'Only the oracle was run; there is nothing to compare.';
  if (oracle === undefined) return `The best policy is ${bestHeuristic.policy}.`;
  const percent = pairedPercent(records, bestHeuristic.policy, oracle.policy);
  return `The best heuristic (${bestHeuristic.policy}) costs ${against(percent, 'the oracle')}.`;
}

/** `1 run`, `5 runs`. */
export const plural = (count: number, noun: string): string =>
  `${count} ${noun}${count === 1 ? '' : 's'}`;
