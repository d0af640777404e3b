/** The few numbers at the top of the page. */
import type { Estimate, Evaluation, PolicyResult } from '../evaluate/results.ts';
import { pairedPercent } from '../evaluate/results.ts';
import { fixed, significant } from './format.ts';
import { percentText } from './headline.ts';
import { castOf } from './roles.ts';

export interface Fact {
  readonly name: string;
  readonly value: string;
  readonly detail: string;
}

export function facts(evaluation: Evaluation, results: readonly PolicyResult[]): Fact[] {
  const { learned, oracle, bestHeuristic, allOn } = castOf(results);
  const found: Fact[] = [];
  const subject = learned ?? bestHeuristic;
  if (subject === undefined) return [];
  const objective = (other: PolicyResult, name: string): void => {
    const percent = pairedPercent(evaluation.records, subject.policy, other.policy);
    found.push({ name: `Objective against ${name}`, ...signedFact(percent) });
  };
  if (bestHeuristic !== undefined && bestHeuristic !== subject) {
    objective(bestHeuristic, bestHeuristic.policy);
  }
  if (oracle !== undefined) objective(oracle, 'the oracle');
  const base = allOn ?? bestHeuristic;
  if (base !== undefined && base !== subject) {
    found.push({
      name: `Energy against ${base.policy}`,
      value: signed(100 * (subject.energyKwh.mean / base.energyKwh.mean - 1)),
      detail:
        `${significant(subject.energyKwh.mean)} instead of ${significant(base.energyKwh.mean)} kWh; ` +
        `lost work ${significant(subject.lostVcpuHours.mean)} instead of ` +
        `${significant(base.lostVcpuHours.mean)} vCPU·h`,
    });
  }
  if (Number.isFinite(subject.decisionMsP99)) {
    found.push({
      name: `Decision of ${subject.policy}, p99`,
      value: `${significant(subject.decisionMsP99, 2)} ms`,
      detail:
        oracle !== undefined && Number.isFinite(oracle.decisionMsP99)
          ? `oracle: ${significant(oracle.decisionMsP99, 2)} ms`
          : `median ${significant(subject.decisionMsP50, 2)} ms`,
    });
  }
  return found;
}

const signed = (percent: number): string => `${percent > 0 ? '+' : ''}${fixed(percent, 1)} %`;

function signedFact(percent: Estimate): Pick<Fact, 'value' | 'detail'> {
  const interval = percentText(percent).split(' ± ')[1];
  return {
    value: signed(percent.mean),
    detail: interval === undefined ? 'one run, no interval' : `± ${interval} (95 % confidence)`,
  };
}
