/** The lines that `wattwin simulate` prints about applications. */
import type { RequestCounts, RunSummary } from '../../sim/index.ts';
import { line } from './line.ts';

/** Empty without applications. */
export function describeApplications(summary: RunSummary): string {
  const { applications = [], joulesPerRequest } = summary;
  const lines = applications.flatMap((application) => {
    const { operations, services } = application;
    const several = operations.length > 1 ? operations : [];
    const withVariants = services.filter(({ accuracy }) => accuracy < 1);
    return [
      line(application.name, counts(application)),
      line('', latencies(application)),
      ...several.map((operation) => line(`  ${operation.name}`, latencies(operation))),
      ...withVariants.map(({ name, variant, accuracy }) =>
        line(`  ${name}`, `${variant}, ${(100 * accuracy).toFixed(2)} % of answers right`),
      ),
    ];
  });
  if (joulesPerRequest !== undefined) {
    lines.push(line('energy per request', `${significant(joulesPerRequest)} J`));
  }
  return lines.join('');
}

function counts({
  begun,
  completed,
  completedPerS,
  rejected,
  failed,
  late,
}: RequestCounts): string {
  const lost = [
    ...(late > 0 ? [`${late} late`] : []),
    ...(rejected > 0 ? [`${rejected} rejected`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
  ];
  const losses = lost.length === 0 ? '' : `; ${lost.join(', ')}`;
  return `${completed} of ${begun} requests, ${significant(completedPerS)}/s${losses}`;
}

function latencies({ completed, latencyMs }: RequestCounts): string {
  if (completed === 0) return 'none completed';
  const { mean, p50, p95, p99, p999, max } = latencyMs;
  const ms = [mean, p50, p95, p99, p999, max].map(significant);
  return `mean ${ms[0]} ms, p50 ${ms[1]}, p95 ${ms[2]}, p99 ${ms[3]}, p99.9 ${ms[4]}, max ${ms[5]}`;
}

/** Three digits that count, without an exponent. */
function significant(value: number): string {
  if (value === 0 || value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value >= 1 ? value.toFixed(2) : value.toPrecision(3);
}
