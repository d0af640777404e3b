/**
 * Forks and oracle rollouts per second of 100 hosts with 1,000 VMs at noon of an office day, twelve
 * steps of five minutes ahead: with the base policy deciding at every step, and with none, on this
 * thread and through the worker pool. `node dist/bench/rollouts.js`, or with `npm run bench`.
 */
import { realpathSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';
import {
  defaultOracle,
  type OracleOptions,
  RolloutPool,
  rollout,
  rolloutSpecOf,
} from '../oracle/index.ts';
import {
  type Action,
  advance,
  type ClusterModel,
  type CostVector,
  createPolicy,
  decideOnce,
  defaultObjective,
  modelOf,
  parseScenario,
  policyChance,
  propose,
  proposers,
  Twin,
  TwinView,
  unlimited,
  withFrequencies,
} from '../sim/index.ts';
import { createSynthetic } from '../traces/index.ts';

/** Timed runs of each row, after some that are not timed. */
const runs = 7;
const warmUps = 3;
/** Plans that are scored in one run, and forks. */
const plansPerRun = 32;
const forksPerRun = 2000;
const freshPerRun = 200;
const clonesPerRun = 10;
const seed = 1;
const steps = 12;
const intervalMs = 300_000;

const cluster = `
name: rollouts
hosts:
  - { model: grid5000-stremi, count: 60, memory: 96 GiB }
  - { model: ibm-x3550-m3-x5670, count: 40, memory: 96 GiB }
workload: { type: synthetic }
`;

export interface RolloutRow {
  readonly work:
    | 'fork'
    | 'fork into a new buffer'
    | 'clone of the same numbers as objects'
    | 'rollout, base policy at each step'
    | 'rollout, no decisions';
  /** Where: on the calling thread, or on that many workers of the pool. */
  readonly workers: 'this thread' | 1 | 2;
  /** Per second of wall time, median and best run. */
  readonly medianPerS: number;
  readonly bestPerS: number;
}

export interface RolloutBench {
  readonly hosts: number;
  readonly vms: number;
  readonly stateBytes: number;
  readonly rows: readonly RolloutRow[];
  /** Whether one and two workers gave the same costs as this thread, bit for bit. */
  readonly sameCosts: boolean;
}

export async function benchRollouts(): Promise<RolloutBench> {
  const model = buildCluster();
  const twin = atNoon(model);
  const plans = plansOf(twin);
  const scratch = twin.fork();
  const rows: RolloutRow[] = [];
  const forks = await measure(forksPerRun, () => {
    for (let fork = 0; fork < forksPerRun; fork++) twin.fork(scratch);
  });
  rows.push({ work: 'fork', workers: 'this thread', ...forks });
  const fresh = await measure(freshPerRun, () => {
    for (let fork = 0; fork < freshPerRun; fork++) twin.fork();
  });
  rows.push({ work: 'fork into a new buffer', workers: 'this thread', ...fresh });
  const objects = objectsOf(twin);
  const clones = await measure(clonesPerRun, () => {
    for (let clone = 0; clone < clonesPerRun; clone++) structuredClone(objects);
  });
  rows.push({ work: 'clone of the same numbers as objects', workers: 'this thread', ...clones });
  let sameCosts = true;
  for (const work of ['rollout, base policy at each step', 'rollout, no decisions'] as const) {
    const options = oracleFor(work === 'rollout, no decisions');
    const spec = rolloutSpecOf(options);
    let here: CostVector[] = [];
    const rate = await measure(plans.length, () => {
      here = plans.map((actions) => rollout(twin, scratch, actions, spec));
    });
    rows.push({ work, workers: 'this thread', ...rate });
    for (const workers of [1, 2] as const) {
      const pool = new RolloutPool(workers);
      try {
        let there: CostVector[] = [];
        const pooled = await measure(plans.length, async () => {
          there = await pool.score(twin, options, plans);
        });
        rows.push({ work, workers, ...pooled });
        sameCosts &&= JSON.stringify(here) === JSON.stringify(there);
      } finally {
        await pool.close();
      }
    }
  }
  const stateBytes = twin.state.buffer.byteLength;
  return { hosts: model.hosts, vms: model.vms, stateBytes, rows, sameCosts };
}

function buildCluster(): ClusterModel {
  const sizes = [1, 1, 1, 1, 2, 2, 4, 4, 8].map((vcpus) => ({
    vcpus,
    vcpuMips: 1700,
    memoryBytes: vcpus * 2 ** 30,
  }));
  const { workload } = createSynthetic({ vms: 1000, steps: 288, seed, sizes });
  return modelOf(parseScenario(cluster, 'rollouts'), workload, 'rollouts');
}

/** The cluster as the base policy has it at noon. */
function atNoon(model: ClusterModel): Twin {
  const twin = Twin.create(model, seed);
  const base = createPolicy(defaultOracle.base, 'base');
  for (let step = 0; step < 144; step++) {
    advance(twin, step * intervalMs);
    decideOnce(twin, base);
  }
  advance(twin, 144 * intervalMs);
  return twin;
}

/** What a search would score first: proposals, each with every frequency rule. */
function plansOf(twin: Twin): (readonly Action[])[] {
  const view = new TwinView(twin);
  const proposals = propose(view, unlimited, policyChance(twin), proposers());
  const plans = withFrequencies(view, proposals).map(({ actions }) => actions);
  return Array.from({ length: plansPerRun }, (_, index) => plans[index % plans.length]!);
}

/** The state as most simulators hold it: one object per host and VM, and the rest as arrays. */
function objectsOf({ model, state }: Twin): object {
  const columns = Object.entries(state).filter(
    ([name, value]) => ArrayBuffer.isView(value) && name !== 'float64' && name !== 'int32',
  ) as [string, Float64Array | Int32Array | Uint32Array][];
  const rows = (length: number): object[] =>
    Array.from({ length }, (_, row) =>
      Object.fromEntries(
        columns
          .filter(([, column]) => column.length === length)
          .map(([name, column]) => [name, column[row]]),
      ),
    );
  const [hosts, vms] = [model.hosts + 1, model.vms];
  const others = columns.filter(([, { length }]) => length !== hosts && length !== vms);
  return {
    hosts: rows(hosts),
    vms: rows(vms),
    others: others.map(([name, column]) => [name, Array.from(column)]),
  };
}

/** Twelve steps ahead, twice the oracle's default; without decisions the whole horizon is one step. */
function oracleFor(undecided: boolean): OracleOptions {
  return {
    ...defaultOracle,
    horizonDecisions: undecided ? 1 : steps,
    decisionEveryMs: undecided ? steps * intervalMs : intervalMs,
    budget: unlimited,
    objective: defaultObjective,
  };
}

async function measure(
  count: number,
  run: () => unknown,
): Promise<Pick<RolloutRow, 'medianPerS' | 'bestPerS'>> {
  for (let index = 0; index < warmUps; index++) await run();
  const times: number[] = [];
  for (let index = 0; index < runs; index++) {
    const start = performance.now();
    await run();
    times.push((performance.now() - start) / 1000);
  }
  times.sort((a, b) => a - b);
  return { medianPerS: count / times[runs >> 1]!, bestPerS: count / times[0]! };
}

const script = process.argv[1];
if (script !== undefined && import.meta.url === pathToFileURL(realpathSync(script)).href) {
  const { rows, ...facts } = await benchRollouts();
  console.log(JSON.stringify(facts));
  for (const { work, workers, medianPerS, bestPerS } of rows) {
    const where = typeof workers === 'number' ? `${workers} worker(s)` : workers;
    console.log(`${work}, ${where}: ${medianPerS.toFixed(1)}/s (best ${bestPerS.toFixed(1)})`);
  }
}
