/**
 * `docs/accuracy.md`, measured anew each time. Some rows need data that are not part of the
 * repository: stored results of SimGrid 3.32 and CloudSim 4.0, PlanetLab and SURF traces.
 */
import { join } from 'node:path';
import { published } from '../calibrate/table.ts';
import { accuracyGroups } from './accuracy/index.ts';
import type { AccuracyGroup, AccuracyKind, AccuracyRow } from './accuracy/row.ts';
import { type CorrectionRow, correctionRows } from './corrections.ts';
import { markdownTable } from './options.ts';
import { simGridErrors } from './simgrid-errors.ts';

/** @param reference Directory with `reference/` and `data/`. */
export async function accuracyPage(
  reference: string,
  onProgress: (note: string) => void = () => {},
): Promise<string> {
  const tables = new Map<AccuracyKind, string[][]>();
  for (const group of accuracyGroups) {
    onProgress(group.name);
    const lines = tables.get(group.kind) ?? [];
    lines.push(...cellsOf(group, await group.measure(reference)));
    tables.set(group.kind, lines);
  }
  const table = (kind: AccuracyKind): string => markdownTable(header, tables.get(kind) ?? []);
  onProgress('corrections');
  return `${introduction()}

## It computes what its models say

Each referee does the same in another way; where it shares a part with the twin (the random numbers of requests, the rules of
governors and of migrations) the row judges what remains.

${table('exact')}

${statisticsNote}

## Against other simulators

${table('simulators')}

## Against real meters

These errors say how far the models are from machines. They hold for the machines and loads named.

${table('meters')}

${metersNote()}

${simGridSection(reference)}

${corrections(join(reference, 'data', 'planetlab', '20110303'))}
`;
}

const header = ['Model', 'Referee', 'Worst error', 'Command'] as const;

/** The cells of a group's rows, as they stand in the page. */
export function cellsOf(group: AccuracyGroup, rows: readonly AccuracyRow[]): string[][] {
  return rows.map(({ model, page, referee, error }) => [
    page === undefined ? model : `[${model}](${pathOf(page)})`,
    referee,
    error,
    `\`npm run docs -- ${group.name}\`${group.needsData ? ' ¹' : ''}`,
  ]);
}

const pathOf = (page: string): string =>
  page.startsWith('../') ? `${page.slice(3)}.md` : `models/${page}.md`;

function introduction(): string {
  return `# How accurate

<!-- Made by \`npm run docs\`; edit scripts/docs/ instead. -->

A row per model: who the referee is, the worst error found, and the command that finds it. Every error here was
measured by the command that wrote this page. There are three kinds of statement, and they must not be taken for each other:

1. **It computes what its models say.** Closed forms, theory and plain programs agree with it, to rounding or within chance.
2. **It agrees with other simulators**, or reproduces them bit for bit, faults included.
3. **Its models fit real machines**, as far as that could be measured: the power meter of a cluster of 277 hosts over four
   days, SPECpower results of servers, one sample of RAPL, one processor at five frequencies. Live migration, latency of
   requests, temperature and booting have not been compared with real hosts.

Your hosts are none of these. Measure idle and full power first and put them into the scenario, or let
[\`wattwin calibrate\`](models/calibration.md) fit them to your meter.

\`npm run docs -- NAME …\` measures some rows alone; without names it writes this page. ¹ These need stored results and
traces that are not part of the repository. They are looked for in \`../shared\` or in the directory named by \`WATTWIN_REFERENCE\`, as
\`reference/simgrid/\`, \`reference/cloudsim/\`, \`data/planetlab/<day>/\` and \`data/surf-2022-10/\`. The PlanetLab traces are to be had by
\`wattwin traces fetch planetlab\`. The tests that hold each model to its error are named at the top of the model's page. "Below 1e-13"
is the next power of ten above the error, whose digits differ between machines.`;
}

const statisticsNote = `Rows against queueing and renewal theory are statistics: ten independent runs, their mean, and half the width of its 95 %
confidence interval (Student's t). The two single queues share their arrivals, so their deviations go together.`;

/** Published errors beside ours; data with its source. */
function metersNote(): string {
  const others = published.map(({ name, mape }) => `${name} ${mape} %`).join(', ');
  return `Others report for the whole SURF week of October 2022, models set by hand or calibrated on the same week, no days kept apart for
testing: ${others} (OpenDT, arXiv 2604.11445, which quotes FootPrinter's figure too; published, not measured here). The shape of the fitted
curve was chosen on the two fit days, but that recent days must weigh more was learned with the test days at hand: see
[calibration](models/calibration.md). Form and parameters of the published models were chosen by people who knew the week.`;
}

export function simGridSection(reference: string): string {
  const errors = simGridErrors(join(reference, 'reference', 'simgrid'));
  return `## SimGrid 3.32, scenario by scenario

\`npm run referee:simgrid -- FILE\` runs one. Energy: largest relative error of a host at the end or at a
sample. Dates: largest error of any start, end, migration or switch.

${markdownTable(
  ['Scenario', 'What', 'Energy', 'Dates, s'],
  errors.map(({ scenario, what, energy, dateS }) => [
    scenario,
    what,
    energy === 0 ? 'equal, bit for bit' : energy.toExponential(1),
    dateS === undefined ? '—' : dateS.toExponential(1),
  ]),
)}

The error of pre-copy is a page count: SimGrid truncates a product to whole bytes that lies within
rounding of a whole number, so a round may have a byte more or less.`;
}

function corrections(day: string): string {
  const table = (rows: readonly CorrectionRow[]): string =>
    markdownTable(
      ['', 'Energy, kWh', 'Migrations', 'SLATAH', 'pooled', 'PDM', 'pooled'],
      rows.map((row) => [
        row.what,
        row.energyKwh.toFixed(2),
        String(row.migrations),
        percent(row.slatah, 2),
        percent(row.slatahPooled, 2),
        percent(row.pdm, 4),
        percent(row.pdmPooled, 4),
      ]),
    );
  return `## What each correction changes

CloudSim 4.0's PlanetLab benchmark has faults that shift its numbers. Here is one day
(2011-03-03, 800 hosts, 1,052 VMs), first as CloudSim has it, then in the engine, each row with one
correction more than the row above. SLATAH and PDM are means over hosts and VMs as in Beloglazov &
Buyya (2012); CloudSim reports ratios of totals ("pooled"), which are another quantity.

### THR-MMT, threshold 0.8

${table(correctionRows(day, 'thr'))}

### LR-MMT, safety 1.2

${table(correctionRows(day, 'lr'))}

- **Memory decides.** CloudSim checks a host's 4 GiB only when it first places VMs; moves ignore it, so
  a host takes as many VMs of 613 to 1,740 MiB as its CPU can carry. With the limit kept, the day needs several times the
  energy, and hardly anything moves: the benchmark's savings are savings of a cluster that could not exist.
- **VMs that rest are removed.** A VM whose demand is 0 at an update is gone for good, half of them by the end
  of the day. In the second row VMs end at the same moments.
- **The step from the first to the second row cannot be taken apart** with the engine's options. It holds
  everything that the engine and its policies never had: a VM moved twice in one round, waking a host for
  free in the placement cost, powers computed from stale utilizations, no energy for hosts whose VMs rest,
  a local regression that never uses its weights, a migrating VM that is charged in full at the
  source and again in part at the target, and decisions from the demand of the present moment where
  ours see complete intervals.
- **Energy from 300 s to 86,100 s**: the benchmark counts neither the first nor the last five minutes.
- Switching and shared ports come after memory, where hardly anything switches or moves; before it they
  would weigh more.`;
}

function percent(fraction: number | undefined, digits: number): string {
  return fraction === undefined ? '—' : `${(100 * fraction).toFixed(digits)} %`;
}
