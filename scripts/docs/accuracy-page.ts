/**
 * `docs/accuracy.md`, measured anew each time. It needs data that are not part of the repository:
 * stored results of SimGrid 3.32 and CloudSim 4.0, and PlanetLab traces.
 */
import { join } from 'node:path';
import { type CloudSimCount, countEqualRuns } from './cloudsim-rows.ts';
import { type CorrectionRow, correctionRows } from './corrections.ts';
import { markdownTable } from './options.ts';
import { simGridErrors } from './simgrid-errors.ts';

/**
 * @param reference Directory with `reference/` and `data/`.
 * @param count CloudSim's runs; counted anew when not given.
 */
export function accuracyPage(
  reference: string,
  count: CloudSimCount = countEqualRuns(reference),
): string {
  const errors = simGridErrors(join(reference, 'reference', 'simgrid'));
  const day = join(reference, 'data', 'planetlab', '20110303');
  return `${introduction()}

${models(count)}

## SimGrid 3.32, scenario by scenario

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
rounding of a whole number, so a round may have a byte more or less.

${corrections(day)}
`;
}

function introduction(): string {
  return `# How accurate

<!-- Made by \`npm run docs\`; edit scripts/docs/accuracy-page.ts instead. -->

One row per model: who the referee is, the worst error found, and the command that finds it. The
referees are other simulators, closed forms and plain programs that do the same in another way. Nothing has been
compared with a power meter or a real cluster yet, so these numbers say that the twin computes what its
models say, not that the models fit your hardware. For that, measure idle and full power of your
hosts first and put them into the scenario.

The commands need stored results and traces that are not part of the repository; they are looked for in
\`../shared\` or in the directory named by \`WATTWIN_REFERENCE\`, as \`reference/simgrid/\`,
\`reference/cloudsim/\` and \`data/planetlab/<day>/\`. The traces are to be had by \`wattwin traces fetch planetlab\`.`;
}

function models({ runs, equal, days }: CloudSimCount): string {
  const test = (name: string): string => `\`npx vitest run ${name}\``;
  const rows = [
    [
      'CPU contention',
      'SimGrid 3.32 (table below); a plain fluid simulator on 250 random scenarios',
      'energy 1e-11 relative, dates 1e-8 s',
      test('test/compat/simgrid.test.ts'),
    ],
    [
      'power curve',
      'the eleven points of SPECpower results',
      'exact at the points, between its ends everywhere',
      test('test/sim/power.test.ts'),
    ],
    [
      'live migration, links',
      'SimGrid 3.32, CM02 and LV08',
      'energy 1e-10 relative; rounds to 10 bytes, dates 1e-6 s',
      test('test/compat/simgrid.test.ts'),
    ],
    [
      'trace ticks',
      'the same step host by host in plain form',
      'every byte of the state equal',
      test('test/sim/tick.test.ts'),
    ],
    [
      'CloudSim 4.0, PlanetLab benchmark',
      `CloudSim 4.0 itself, days ${days.join(', ')}`,
      `${equal} of ${runs} runs equal to the last bit`,
      test('test/compat/cloudsim.test.ts'),
    ],
    [
      'conservation',
      'delivered + lost = demanded; energy of a span = sum of its parts; snapshots',
      'rounding; snapshots byte for byte',
      test('test/sim'),
    ],
    [
      'gradients of the learner',
      'TensorFlow.js; central differences in float64',
      '1.7e-6 and 2.3e-6 of the largest entry',
      test('test/learner/runtime/gradients.test.ts'),
    ],
    [
      'oracle',
      'brute force over all plans of 20 tiny clusters',
      'see the optimality gap in the report',
      '`npm start`',
    ],
  ];
  return markdownTable(['Model', 'Referee', 'Worst error', 'Command'], rows);
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
