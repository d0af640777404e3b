/** OpenDC's replay against a plain replay, and against the numbers of OpenDC's own tests. */
import {
  type OpenDcWorkload,
  parsePowerModel,
  powerFunction,
  runOpenDc,
} from '../../../sim/compat/opendc/index.ts';
import { RandomStream } from '../../../sim/index.ts';
import { replayPlainly } from '../referees/plain-opendc.ts';
import { type AccuracyGroup, type AccuracyRow, apart, Worst } from './row.ts';

const workloads = 300;

interface Task {
  readonly atMs: number;
  readonly cores: number;
  readonly memoryMb: number;
  readonly fragments: readonly (readonly [ms: number, mhz: number])[];
}

export const opendcExact: AccuracyGroup = {
  name: 'opendc',
  kind: 'exact',
  measure: () => [plainRow()],
};

export const opendcFacts: AccuracyGroup = {
  name: 'opendc-facts',
  kind: 'simulators',
  measure: () => [factRow()],
};

function workloadOf(tasks: readonly Task[]): OpenDcWorkload {
  const fragmentStart = [0];
  for (const { fragments } of tasks) fragmentStart.push(fragmentStart.at(-1)! + fragments.length);
  const all = tasks.flatMap(({ fragments }) => fragments);
  return {
    ids: tasks.map((_, index) => `task ${index}`),
    submissionMs: Float64Array.from(tasks, ({ atMs }) => atMs),
    cpuCount: Int32Array.from(tasks, ({ cores }) => cores),
    memoryMb: Float64Array.from(tasks, ({ memoryMb }) => memoryMb),
    fragmentStart: Int32Array.from(fragmentStart),
    fragmentMs: Float64Array.from(all, ([ms]) => ms),
    fragmentMhz: Float64Array.from(all, ([, mhz]) => mhz),
    parents: tasks.map(() => []),
  };
}

function plainRow(): AccuracyRow {
  const random = new RandomStream(1, 'opendc');
  const worst = new Worst();
  const carbonWorst = new Worst();
  const ends = new Worst();
  for (let index = 0; index < workloads; index++) {
    const tasks = Array.from({ length: 1 + random.integer(25) }, () => ({
      atMs: random.integer(20_001),
      cores: 1 + random.integer(3),
      memoryMb: random.integer(61),
      fragments: Array.from(
        { length: 1 + random.integer(6) },
        () => [random.integer(5001), random.integer(3001)] as const,
      ),
    })).sort((a, b) => a.atMs - b.atMs);
    const workload = workloadOf(tasks);
    const count = 1 + random.integer(4);
    const quantumMs = [1, 250, 1000][random.integer(3)]!;
    const power = parsePowerModel(
      ['linear:50:100', 'sqrt:50:100', 'zero-idle:cubic:50:100'][random.integer(3)]!,
      'power',
    );
    const steps = [0, 4000, 9000, 15_000].map((ms) => [ms, random.integer(501)] as const);
    const carbon = {
      timestampMs: Float64Array.from(steps, ([ms]) => ms),
      gramsPerKwh: Float64Array.from(steps, ([, grams]) => grams),
    };
    const host = { count, cores: 4, coreMhz: 700, memoryMb: 100, power };
    const ours = runOpenDc({ tasks: workload, hosts: [host], quantumMs, carbon });
    const hosts = new Array(count).fill({ cores: 4, mhz: 2800, memoryMb: 100 });
    const plain = replayPlainly(workload, hosts, powerFunction(power), quantumMs, steps);
    worst.addRelative(ours.energyJ, plain.energyJ);
    carbonWorst.addRelative(ours.carbonG ?? Number.NaN, plain.carbonG);
    ends.add(ours.endS - plain.endMs / 1000);
    if (ours.completed !== plain.completed) ends.add(Number.NaN);
  }
  return {
    model: 'OpenDC replay',
    page: 'opendc-replay',
    referee: `a plain replay with full scans at every event, ${workloads} random workloads`,
    error: `energy ${apart(worst.value)}, carbon ${apart(carbonWorst.value)}, ends ${apart(ends.value, 's')}`,
  };
}

/** One core of 2000 MHz, 100 W idle and 200 W at full load: the host of OpenDC's tests. */
function factRow(): AccuracyRow {
  const minute = 60_000;
  const task = (minutes: number, mhz: number): Task => ({
    ...{ atMs: 0, cores: 1, memoryMb: 0 },
    fragments: [[minutes * minute, mhz]],
  });
  /** Tasks, minutes until the end and joules that OpenDC's `EnergyTest` and `WorkloadTest` state. */
  const facts = [
    { tasks: [task(10, 1000)], minutes: 10, joules: 90_000 },
    { tasks: [task(10, 1000), task(5, 2000)], minutes: 15, joules: 90_000 + 60_000 },
  ];
  const power = parsePowerModel('linear:100:200', 'power');
  const host = { count: 1, cores: 1, coreMhz: 2000, memoryMb: 100_000, power };
  const worst = new Worst();
  for (const { tasks, minutes, joules } of facts) {
    const { energyJ, endS } = runOpenDc({ tasks: workloadOf(tasks), hosts: [host] });
    worst.addRelative(energyJ, joules);
    worst.addRelative(endS, minutes * 60);
  }
  return {
    model: 'OpenDC 2.4',
    page: 'opendc-replay',
    referee: `joules and ends that its own tests state, ${facts.length} of them here, the others in \`test/compat/opendc.test.ts\``,
    error: apart(worst.value),
  };
}
