/**
 * What the scale bench measures, each case in a process of its own so that its memory is its own:
 * `node dist/bench/scale/cases.js day 100000` prints one line of JSON.
 */
import { realpathSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import {
  advance,
  type ClusterModel,
  decodeSnapshot,
  encodeSnapshot,
  energyNowJ,
  Twin,
} from '../../sim/index.ts';
import { drawChanges, type Timed, timeListed, timeWithHeap } from './asynchronous.ts';
import { cpuSince } from './clock.ts';
import { buildCluster, type Placement } from './cluster.ts';

/** Rows of a day of 300 s. */
const stepsPerDay = 288;
const intervalMs = 300_000;
const changeCount = 2_000_000;
const runs = 7;

/** What a case reports beside its own numbers. */
export interface ProcessFacts {
  readonly hosts: number;
  readonly vms: number;
  readonly stateBytes: number;
  /** CPU time of drawing the workload and building the model, s. */
  readonly buildCpuS: number;
  /** Largest resident set of the process so far, bytes. */
  readonly peakBytes: number;
}

export interface DayFacts extends ProcessFacts {
  readonly changes: number;
  /** CPU time of each run of the day, s, in order; the first with code that is still cold. */
  readonly cpuS: readonly number[];
  readonly energyKwh: number;
  /** Share of host time with more asked than there is. */
  readonly overloadFraction: number;
}

/** One day of demand, several times from the same beginning. */
function day(vms: number, placement: Placement): DayFacts {
  const { model, buildCpuS } = built(vms, stepsPerDay, placement);
  const start = Twin.create(model, 0);
  const twin = start.fork();
  const cpuS = Array.from({ length: runs }, () => {
    start.fork(twin);
    const before = process.cpuUsage();
    advance(twin, stepsPerDay * intervalMs);
    return cpuSince(before);
  });
  const sum = (column: Float64Array): number => column.subarray(0, model.hosts).reduce(add, 0);
  return {
    ...factsOf(model, twin, buildCpuS),
    changes: vms * stepsPerDay,
    cpuS,
    energyKwh: energyNowJ(twin) / 3.6e6,
    overloadFraction: sum(twin.state.hostOverloadMs) / sum(twin.state.hostActiveMs),
  };
}

const add = (a: number, b: number): number => a + b;

export interface AsynchronousFacts extends ProcessFacts {
  readonly changes: number;
  readonly listedCpuS: readonly number[];
  readonly heapCpuS: readonly number[];
  /** Whether both ways gave the same energy, bit for bit. */
  readonly sameEnergy: boolean;
}

/** Changes of single VMs, given in order and found by the event heap. */
function asynchronous(vms: number): AsynchronousFacts {
  const { model, buildCpuS } = built(vms, 1);
  const changes = drawChanges(model, changeCount);
  const listed: Timed[] = [];
  const heap: Timed[] = [];
  for (let run = 0; run < runs; run++) {
    listed.push(timeListed(model, changes));
    heap.push(timeWithHeap(model, changes));
  }
  const energies = new Set([...listed, ...heap].map(({ energyJ }) => energyJ));
  return {
    ...factsOf(model, Twin.create(model, 0), buildCpuS),
    changes: changeCount,
    listedCpuS: listed.map(({ cpuS }) => cpuS),
    heapCpuS: heap.map(({ cpuS }) => cpuS),
    sameEnergy: energies.size === 1,
  };
}

export interface SnapshotFacts extends ProcessFacts {
  readonly encodeCpuS: readonly number[];
  readonly decodeCpuS: readonly number[];
  readonly forkCpuS: readonly number[];
  readonly freshForkCpuS: readonly number[];
}

/** Snapshots and forks of the cluster at noon. */
function snapshot(vms: number): SnapshotFacts {
  const { model, buildCpuS } = built(vms, stepsPerDay);
  const twin = Twin.create(model, 0);
  advance(twin, (stepsPerDay / 2) * intervalMs);
  const scratch = twin.fork();
  let bytes = new Uint8Array();
  const encodeCpuS = repeat(() => {
    bytes = encodeSnapshot(twin) as Uint8Array<ArrayBuffer>;
  });
  let restored = twin;
  const decodeCpuS = repeat(() => {
    restored = decodeSnapshot(bytes, model, 'snapshot');
  });
  if (!restored.state.equals(twin.state)) throw new Error('the snapshot gave another state');
  return {
    ...factsOf(model, twin, buildCpuS),
    encodeCpuS,
    decodeCpuS,
    forkCpuS: repeat(() => twin.fork(scratch)),
    freshForkCpuS: repeat(() => twin.fork()),
  };
}

function repeat(run: () => unknown): number[] {
  return Array.from({ length: runs }, () => {
    const before = process.cpuUsage();
    run();
    return cpuSince(before);
  });
}

function built(
  vms: number,
  steps: number,
  placement: Placement = 'by chance',
): { model: ClusterModel; buildCpuS: number } {
  const before = process.cpuUsage();
  const model = buildCluster(vms, steps, placement);
  return { model, buildCpuS: cpuSince(before) };
}

function factsOf(model: ClusterModel, twin: Twin, buildCpuS: number): ProcessFacts {
  return {
    hosts: model.hosts,
    vms: model.vms,
    stateBytes: twin.state.buffer.byteLength,
    buildCpuS,
    peakBytes: process.resourceUsage().maxRSS * 1024,
  };
}

const cases = {
  day: (vms: number) => day(vms, 'by chance'),
  dayInOrder: (vms: number) => day(vms, 'in order'),
  asynchronous,
  snapshot,
} as const;
export type CaseName = keyof typeof cases;

const script = process.argv[1];
if (script !== undefined && import.meta.url === pathToFileURL(realpathSync(script)).href) {
  const [name = '', vms = ''] = process.argv.slice(2);
  const facts = cases[name as CaseName](Number(vms));
  console.log(JSON.stringify(facts));
}
