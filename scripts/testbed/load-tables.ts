/** Results of loads in a terminal. */
import Table from 'cli-table3';
import {
  type ClientCpu,
  type ClientFigures,
  type ComparedFigure,
  type LatencyFigures,
  type LoadFigures,
  type LoadSummary,
  type OperationReport,
  phasesForInterval,
  type YcsbReport,
} from '../../deploy/testbed/load/index.ts';

const number = (value: number): string =>
  Number.isFinite(value) ? String(Number(value.toPrecision(4))) : '-';

const latencyHead = ['p50 ms', 'p95 ms', 'p99 ms', 'max ms'];
const latencyCells = ({ p50Ms, p95Ms, p99Ms, maxMs }: LatencyFigures): string[] =>
  [p50Ms, p95Ms, p99Ms, maxMs].map(number);

/** Counts by reason, the most frequent first. */
const reasons = (errors: Readonly<Record<string, number>>): string =>
  Object.entries(errors)
    .sort(([, a], [, b]) => b - a)
    .map(([reason, count]) => `${count} ${reason}`)
    .join(', ') || '0';

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const right = head.map((_, column) => (column === 0 ? 'left' : 'right'));
  const made = new Table({
    head: [...head],
    colAligns: right as ('left' | 'right')[],
    style: { head: [], border: [] },
  });
  made.push(...rows.map((row) => [...row]));
  return made.toString();
}

/** A load run: each VM, and all of a kind. */
export function loadTable(summary: LoadSummary, client: ClientFigures & ClientCpu): string {
  const row = (name: string, figures: LoadFigures): string[] => [
    name,
    number(figures.askedPerS),
    number(figures.donePerS),
    ...latencyCells(figures.latency),
    reasons(figures.errors),
    String(figures.unfinished),
  ];
  const head = ['', 'asked/s', 'done/s', ...latencyHead, 'errors', 'unfinished'];
  const rows = [
    ...Object.entries(summary.vms).map(([vm, figures]) => row(`${vm} ${figures.kind}`, figures)),
    ...Object.entries(summary.overall)
      .filter(([kind]) => Object.values(summary.vms).filter((vm) => vm.kind === kind).length > 1)
      .map(([kind, figures]) => row(`all ${kind}`, figures)),
  ];
  const hasRedis = summary.overall.redis !== undefined;
  const sent = hasRedis ? `, sent within ${number(client.sendDelayP99Ms)} ms (p99)` : '';
  const missing =
    summary.missingSlices === 0 ? '' : `; ${summary.missingSlices} seconds without a report`;
  return [
    table(head, rows),
    `seed ${summary.seed}, ${number(summary.seconds)} s; the client used ${percent(client.cpuFraction)} of a core,` +
      ` reconnected ${client.reconnects} times${sent}${missing}`,
    '',
  ].join('\n');
}

/** A YCSB run: all operations and each kind. */
export function ycsbTable(report: YcsbReport, client: ClientCpu): string {
  const row = (name: string, one: OperationReport): string[] => [
    name,
    String(one.issued),
    String(one.done),
    ...latencyCells(one),
    reasons(one.errors),
  ];
  const rows = Object.entries(report.operations).map(([kind, one]) => row(kind, one));
  return [
    table(['', 'issued', 'done', ...latencyHead, 'errors'], [...rows, row('all', report)]),
    `${number(report.opsPerS)} of ${number(report.askedPerS)} ops/s over ${number(report.seconds)} s,` +
      ` ${report.unfinished} unfinished; the client used ${percent(client.cpuFraction)} of a core,` +
      ` reconnected ${report.reconnects} times, sent within ${number(report.sendDelay.p99Ms)} ms (p99)`,
    '',
  ].join('\n');
}

/** Figures of two runs side by side. */
export function comparisonTable(figures: readonly ComparedFigure[], phases: number): string {
  const rows = figures.map(({ name, unit, baseline, other, ratio, interval }) => [
    unit === '' ? name : `${name} (${unit})`,
    number(baseline),
    number(other),
    number(ratio),
    interval === undefined ? '-' : `${number(interval[0])} – ${number(interval[1])}`,
  ]);
  const hasEnergy = figures.some(({ unit }) => unit === 'J');
  const notes = [
    ...(hasEnergy
      ? []
      : ['No energy: one of the runs lacks meters.jsonl, and metrics.jsonl of its hosts.']),
    phases < phasesForInterval
      ? `No intervals: ${phases} phases are too few.`
      : `95 % intervals over ${phases} phases that both runs had; they say nothing of other seeds.`,
  ];
  return `${[table(['', 'baseline', 'other', 'ratio', '95 %'], rows), ...notes].join('\n')}\n`;
}

const percent = (fraction: number): string => `${(100 * fraction).toFixed(1)} %`;
