/** The tables of the live experiment. */
import type { Estimate } from '../../scripts/evaluate/results.ts';
import { type ArmFigures, armFigures, type KindFigures, p99Limit } from './figures.ts';
import type { Outcome } from './outcome.ts';

/** Header and one row for each arm. */
export function liveRows(outcomes: readonly Outcome[]): string[][] {
  const figures = armFigures(outcomes);
  const kinds = figures[0]?.kinds.map(({ kind }) => kind) ?? [];
  return [
    [
      ...['arm', 'energy, J', 'ratio'],
      ...kinds.flatMap((kind) => [
        `${kind} done, %`,
        `${kind} p50, ms`,
        `${kind} p99, ms`,
        `${kind} p99 ratio`,
      ]),
      ...['errors, unfinished', `p99 ≤ max(${p99Limit.leastMs} ms, ${p99Limit.factor} ×)`],
    ],
    ...figures.map((one) => armRow(one, kinds)),
  ];
}

/** How busy this machine was with everything, the runs included. */
export function machineLoadLine(outcomes: readonly Outcome[]): string {
  const loads = outcomes.flatMap(({ machineLoad }) => machineLoad);
  const mean = loads.reduce((sum, load) => sum + load, 0) / loads.length;
  return (
    `Load average of the machine at the beginnings and ends of runs: ${Math.min(...loads).toFixed(1)} to ` +
    `${Math.max(...loads).toFixed(1)}, mean ${mean.toFixed(1)}.`
  );
}

/** What the controllers did: header and one row for each controlled arm. */
export function controlRows(outcomes: readonly Outcome[]): string[][] {
  const controlled = outcomes.filter(({ control }) => control !== undefined);
  const names = [...new Set(controlled.map(({ arm }) => arm))];
  return [
    [
      ...['arm', 'decisions', 'done', 'failed', 'refused', 'moves', 'host off, s'],
      ...['power MAPE, %', 'bias, %', 'moves foretold, s', 'took, s', 'stood still, ms'],
      ...['restore, s', 'all as before'],
    ],
    ...names.map((arm) => controlRow(controlled.filter((one) => one.arm === arm))),
  ];
}

function armRow({ arm, energyJ, energyRatio, kinds, holds }: ArmFigures, names: string[]) {
  const cells = names.flatMap((name) => {
    const kind = kinds.find((one) => one.kind === name);
    return kind === undefined ? ['—', '—', '—', '—'] : kindCells(kind);
  });
  const over = kinds.filter((kind) => kind.over.length > 0);
  const passed = over.map(({ kind, over: seeds }) => `${kind} on seed ${seeds.join(', ')}`);
  return [
    arm,
    energyJ.mean.toFixed(0),
    interval(energyRatio, 3),
    ...cells,
    String(kinds.reduce((sum, { errors }) => sum + errors, 0)),
    holds ? 'holds' : `EXCEEDED by ${passed.join(', ')}`,
  ];
}

const kindCells = ({ doneShare, p50Ms, p99Ms, p99Ratio }: KindFigures): string[] => [
  (100 * doneShare).toFixed(1),
  p50Ms.mean.toPrecision(3),
  p99Ms.mean.toPrecision(3),
  interval(p99Ratio, 2),
];

/** `0.812 ± 0.031`. */
const interval = ({ mean, halfWidth }: Estimate, digits: number): string =>
  Number.isFinite(halfWidth)
    ? `${mean.toFixed(digits)} ± ${halfWidth.toFixed(digits)}`
    : mean.toFixed(digits);

function controlRow(outcomes: readonly Outcome[]): string[] {
  const controls = outcomes.map(({ control }) => control!);
  const sum = (of: (control: (typeof controls)[number]) => number): number =>
    controls.reduce((total, control) => total + of(control), 0);
  const count = (state: 'done' | 'failed' | 'refused'): string =>
    String(sum(({ summary }) => summary.items[state] ?? 0));
  const power = controls.flatMap((control) => control.power);
  const errors = power.map(({ predictedW, observedW }) => (predictedW - observedW) / observedW);
  const mean = (values: readonly number[], scale: number, digits: number): string =>
    values.length === 0
      ? '—'
      : ((scale * values.reduce((all, value) => all + value, 0)) / values.length).toFixed(digits);
  const moves = controls.flatMap(({ summary }) => summary.migrations);
  const known = (key: 'predictedS' | 'observedS' | 'observedDowntimeS'): number[] =>
    moves.flatMap((move) => move[key] ?? []);
  const left = controls.flatMap(({ notRestored }) => notRestored);
  return [
    outcomes[0]!.arm,
    String(sum(({ summary }) => summary.decisions)),
    ...[count('done'), count('failed'), count('refused'), String(moves.length)],
    outcomes.reduce((total, { offS }) => total + offS, 0).toFixed(0),
    ...[mean(errors.map(Math.abs), 100, 1), mean(errors, 100, 1)],
    ...[mean(known('predictedS'), 1, 2), mean(known('observedS'), 1, 2)],
    mean(known('observedDowntimeS'), 1000, 0),
    mean(
      controls.map(({ restoreS }) => restoreS),
      1,
      1,
    ),
    left.length === 0 ? 'yes' : `NO: ${left.join('; ')}`,
  ];
}
