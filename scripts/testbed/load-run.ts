/** `wattwin testbed load run`: a plan carried out, written down as it goes. */
import { appendFileSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../deploy/index.ts';
import { cgroupHierarchies } from '../../deploy/testbed/hosts/control-groups.ts';
import { isRunning } from '../../deploy/testbed/hosts/life.ts';
import { loadPlan } from '../../deploy/testbed/index.ts';
import { agentPort, type HostLayout, redisPort } from '../../deploy/testbed/layout.ts';
import {
  type ClientCpu,
  type ClientFigures,
  clientCommand,
  type LoadJob,
  type LoadLine,
  type LoadPlan,
  type LoadSummary,
  type LoadTarget,
  readLoadPlan,
  readPlugMeters,
  runClient,
  type ShiftingLoad,
  shiftingLoad,
  summarizeLoad,
  type WorkloadName,
  ycsbShape,
} from '../../deploy/testbed/load/index.ts';
import type { TestbedPlan } from '../../deploy/testbed/plan.ts';
import { inputError } from '../../sim/index.ts';
import { printJson } from '../cli.ts';
import { writeAtomically } from '../files.ts';
import { startProgress } from '../progress.ts';
import { withoutStack } from './load-failure.ts';
import { loadTable } from './load-tables.ts';

export interface LoadRunOptions {
  readonly name: string;
  readonly out: string;
  readonly like?: string;
  readonly seed: number;
  /** ms */
  readonly duration: number;
  /** ms */
  readonly phase: number;
  readonly mean: number;
  readonly kind: 'jobs' | 'redis' | 'both';
  readonly redisFull: number;
  readonly unitRate?: number;
  /** ms */
  readonly job: number;
  readonly workload: WorkloadName;
  readonly records: number;
  readonly connections: number;
  readonly create: boolean;
  /** ms */
  readonly timeout: number;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** A run that came to its end, or to Ctrl-C. */
export interface LoadResult {
  readonly summary: LoadSummary;
  readonly client: ClientFigures & ClientCpu;
}

export async function runLoadCommand(options: LoadRunOptions, signal: AbortSignal): Promise<void> {
  const result = await carryOutLoad(options, signal);
  // A client that failed has said so.
  if (result === undefined) return;
  if (options.json) printJson({ ...result.summary, client: result.client });
  else process.stdout.write(loadTable(result.summary, result.client));
}

/** Puts the load on the VMs and writes all files; undefined when it could not begin, which was said. */
export async function carryOutLoad(
  options: LoadRunOptions,
  signal: AbortSignal,
): Promise<LoadResult | undefined> {
  const testbed = loadPlan(options.name);
  const { load, targets } =
    options.like === undefined ? newLoad(testbed, options) : sameLoad(testbed, options.like);
  const job: LoadJob = {
    targets,
    load,
    redis: {
      workload: options.workload,
      shape: { ...ycsbShape, records: options.records },
      connections: options.connections,
      skipRecords: !options.create,
    },
    jobMs: options.job,
    timeoutMs: options.timeout,
    drainMs: Math.min(options.timeout, 5000),
  };
  const files = openFiles(options.out, testbed);
  const progress = startProgress('load', Math.ceil(load.durationS), options.quiet ?? false);
  let plan: LoadPlan | undefined;
  let client: (ClientFigures & ClientCpu) | undefined;
  const lines: LoadLine[] = [];
  const over = new AbortController();
  let meters: Promise<void> = Promise.resolve();
  try {
    await withoutStack(() =>
      runClient(
        { type: 'shifting', job },
        {
          command: clientCommand(testbed.layout),
          signal,
          onEvent: (event) => {
            if (event.type === 'note') progress.update(0, event.text);
            if (event.type === 'plan') {
              plan = event.plan;
              files.writePlan(plan);
              meters = watchPlugs(files, over.signal);
            }
            if (event.type === 'line') {
              lines.push(event.line);
              files.writeLine(event.line);
              // After the load only late answers come.
              if (event.line.asked > 0)
                progress.update(Math.min(load.durationS, event.line.toS), noteOf(lines));
            }
            if (event.type === 'shifting-end') client = event.client;
          },
        },
      ),
    );
  } finally {
    progress.stop();
    over.abort();
    await meters;
  }
  if (plan === undefined || client === undefined) return undefined;
  const summary = summarizeLoad(plan, lines);
  files.writeSummary({ ...summary, client });
  return { summary, client };
}

function newLoad(
  testbed: TestbedPlan,
  options: LoadRunOptions,
): { load: ShiftingLoad; targets: LoadTarget[] } {
  const { kind, seed, duration, mean, phase, redisFull, unitRate } = options;
  const vms = testbed.vms.filter(({ hasRedis }) => kind !== 'redis' || hasRedis);
  if (vms.length === 0) {
    throw inputError(
      '--kind',
      'VMs to load',
      `a testbed without ${kind === 'redis' ? 'Redis' : 'VMs'}`,
    );
  }
  const targets = vms.map(({ name, address, hasRedis, vcpus }): LoadTarget => {
    if (hasRedis && kind !== 'jobs') {
      return { vm: name, kind: 'redis', address, port: redisPort, fullPerS: redisFull };
    }
    const cost =
      unitRate === undefined ? undefined : Math.max(1, Math.round((unitRate * options.job) / 1000));
    const fullPerS = cost === undefined ? undefined : (unitRate! * vcpus) / cost;
    return { vm: name, kind: 'jobs', address, port: agentPort, cost, fullPerS };
  });
  const load = shiftingLoad({
    ...{ seed, mean },
    vms: vms.length,
    durationS: duration / 1000,
    phaseS: phase / 1000,
  });
  return { load, targets };
}

/** The load of another run; the testbed may be a new one, with VMs of the same names. */
function sameLoad(
  testbed: TestbedPlan,
  like: string,
): { load: ShiftingLoad; targets: LoadTarget[] } {
  const { load, vms } = readLoadPlan(join(like, 'plan.json'));
  const targets = vms.map(({ vm, kind, fullPerS, cost }): LoadTarget => {
    const found = testbed.vms.find(({ name }) => name === vm);
    if (found === undefined || (kind === 'redis' && !found.hasRedis)) {
      const wanted = `${vm}${kind === 'redis' ? ' with Redis' : ''}, as in ${like}`;
      throw inputError('--like', wanted, `a testbed without it`);
    }
    const port = kind === 'redis' ? redisPort : agentPort;
    return { vm, kind, address: found.address, port, fullPerS, cost };
  });
  return { load, targets };
}

interface RunFiles {
  writePlan(plan: LoadPlan): void;
  writeLine(line: LoadLine): void;
  writeMeters(): void;
  writeSummary(summary: object): void;
}

/** @throws InputError when there is a run in the directory already. */
function openFiles(directory: string, testbed: TestbedPlan): RunFiles {
  const path = (name: string): string => join(directory, name);
  for (const name of ['plan.json', 'load.jsonl']) {
    if (existsSync(path(name))) throw inputError('--out', 'a directory without a run', path(name));
  }
  const hierarchies = cgroupHierarchies();
  const isOn = (host: HostLayout): boolean => isRunning(host, hierarchies);
  const lineOf = (value: object): string => `${JSON.stringify(value)}\n`;
  const pretty = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
  return {
    writePlan: (plan) => {
      mkdirSync(directory, { recursive: true });
      writeAtomically(path('plan.json'), pretty(plan));
    },
    writeLine: (line) => appendFileSync(path('load.jsonl'), lineOf(line)),
    writeMeters: () => {
      const readings = readPlugMeters(testbed.hosts, isOn, systemClock.wallMs());
      appendFileSync(path('meters.jsonl'), readings.map(lineOf).join(''));
    },
    writeSummary: (summary) => writeAtomically(path('summary.json'), pretty(summary)),
  };
}

/** Writes the meters at the hosts' plugs down every second, and once more at the end. */
async function watchPlugs(files: RunFiles, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    files.writeMeters();
    await systemClock.sleep(1000, signal);
  }
  // What was used in the last moment is in the next reading.
  await systemClock.sleep(600);
  files.writeMeters();
}

/** The last second in a few words. */
function noteOf(lines: readonly LoadLine[]): string {
  const latest = new Map(lines.slice(-64).map((line) => [line.vm, line]));
  const parts = [...latest.values()].map(({ vm, done, fromS, toS, p99Ms, missing }) => {
    const perS = done / Math.max(0.001, toS - fromS);
    return missing === true ? `${vm} ?` : `${vm} ${perS.toFixed(0)}/s p99 ${p99Ms.toFixed(0)} ms`;
  });
  return parts.slice(0, 4).join(', ');
}
