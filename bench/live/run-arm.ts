/** One run: a testbed from nothing, the load under one arm, everything brought back, the testbed gone. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parse, stringify } from 'yaml';
import {
  describeOperation,
  Journal,
  type JournalRecord,
  summarizeControl,
  systemClock,
} from '../../deploy/index.ts';
import { readLoadLines } from '../../deploy/testbed/load/load-line.ts';
import { writeAtomically } from '../../scripts/files.ts';
import { type Arm, type ControlledArm, commonGuard, load, offPowerW } from './arms.ts';
import {
  type ClusterState,
  type DoneAction,
  type KindOutcome,
  type Outcome,
  plugPower,
  type SeenPower,
  stateDifferences,
} from './outcome.ts';

const program = resolve(import.meta.dirname, '../../scripts/wattwin.js');
const hosts = ['h1', 'h2'];

export interface RunOptions {
  readonly seed: number;
  readonly durationS: number;
  /** Of the testbed. */
  readonly name: string;
  readonly directory: string;
  /** Of the run whose load is repeated; the seed's own load if absent. */
  readonly like?: string | undefined;
  readonly signal: AbortSignal;
}

/** The outcome of an earlier run in the directory, if there is one. */
export function readOutcome(directory: string): Outcome | undefined {
  const path = join(directory, 'outcome.json');
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Outcome) : undefined;
}

/** Runs it and writes `outcome.json`. @throws Error when a step fails; the testbed is gone then too. */
export async function runArm(arm: Arm, options: RunOptions): Promise<Outcome> {
  const { directory, name, signal } = options;
  mkdirSync(directory, { recursive: true });
  const testbed = new Testbed(name, directory);
  const loadBefore = loadavg()[0]!;
  try {
    const counts = ['--hosts', '2', '--vms', '3', '--redis', '1'];
    await testbed.wattwin('up', ['testbed', 'up', '--name', name, ...counts]);
    signal.throwIfAborted();
    await testbed.setGovernor(arm.governor);
    await systemClock.sleep(2000, signal);
    const before = await testbed.state();
    const controller = arm.control === undefined ? undefined : testbed.startController(arm.control);
    await testbed.wattwin('load', ['testbed', 'load', 'run', ...loadArguments(options)]);
    await controller?.stop();
    const measured = await measure(join(directory, 'load'));
    const control =
      controller === undefined ? {} : { control: await bringBack(testbed, before, measured) };
    const { startMs: _, ...plain } = measured;
    const outcome: Outcome = {
      ...{ arm: arm.name, seed: options.seed },
      ...plain,
      ...control,
      machineLoad: [loadBefore, loadavg()[0]!],
    };
    writeAtomically(join(directory, 'outcome.json'), `${JSON.stringify(outcome, null, 1)}\n`);
    return outcome;
  } finally {
    await testbed.end();
  }
}

function loadArguments({ name, seed, durationS, directory, like }: RunOptions): string[] {
  return [
    ...['--name', name, '--out', join(directory, 'load'), '--quiet'],
    ...(like === undefined
      ? [
          ...['--seed', String(seed), '--duration', `${durationS} s`],
          ...['--phase', `${load.phaseS} s`, '--mean', String(load.mean)],
          ...['--unit-rate', String(load.unitsPerS), '--job', `${load.jobMs} ms`],
          ...['--redis-full', String(load.redisFullPerS)],
        ]
      : ['--like', join(like, 'load')]),
  ];
}

type Measured = Omit<Outcome, 'arm' | 'seed' | 'control' | 'machineLoad'> & {
  readonly startMs: number;
};

async function measure(directory: string): Promise<Measured> {
  const summary = JSON.parse(readFileSync(join(directory, 'summary.json'), 'utf8'));
  const lines = await readLoadLines(join(directory, 'load.jsonl'));
  const starts = lines.map(({ timestamp, toS }) => Date.parse(timestamp) - toS * 1000);
  const startMs = starts.sort((a, b) => a - b)[Math.floor(starts.length / 2)]!;
  const meters = readFileSync(join(directory, 'meters.jsonl'), 'utf8');
  return {
    startMs,
    seconds: summary.seconds,
    ...plugPower(meters, startMs, summary.seconds, offPowerW),
    kinds: Object.fromEntries(
      Object.entries<Record<string, never>>(summary.overall).map(([kind, figures]) => [
        kind,
        kindOutcome(figures as never),
      ]),
    ),
  };
}

function kindOutcome(figures: {
  readonly issued: number;
  readonly done: number;
  readonly errors: Readonly<Record<string, number>>;
  readonly unfinished: number;
  readonly latency: { readonly p50Ms: number; readonly p99Ms: number };
}): KindOutcome {
  const { issued, done, errors, unfinished, latency } = figures;
  return {
    asked: issued,
    done,
    errors: Object.values(errors).reduce((sum, count) => sum + count, 0),
    unfinished,
    p50Ms: latency.p50Ms,
    p99Ms: latency.p99Ms,
  };
}

/** Restores, and says what the controller did and what is not as it was. */
async function bringBack(
  testbed: Testbed,
  before: ClusterState,
  { startMs }: Measured,
): Promise<NonNullable<Outcome['control']>> {
  const beginMs = systemClock.monotonicMs();
  const cluster = ['--cluster', testbed.clusterFile, '--journal', testbed.journal];
  await testbed.wattwin('restore', ['restore', ...cluster, '--execute']);
  const restoreS = (systemClock.monotonicMs() - beginMs) / 1000;
  const notRestored = stateDifferences(before, await testbed.state());
  const records = [...Journal.openReadOnly(testbed.journal).records()];
  const end = records.findIndex(({ kind }) => kind === 'end');
  const own = records.slice(0, end + 1);
  return {
    summary: summarizeControl(own),
    actions: doneActions(own, startMs),
    power: seenPower(own, startMs),
    notRestored,
    restoreS,
  };
}

export function doneActions(records: readonly JournalRecord[], startMs: number): DoneAction[] {
  const begun = new Map(
    records.flatMap((record) =>
      record.kind === 'intent' ? [[record.seq, record.operation] as const] : [],
    ),
  );
  return records.flatMap((record) => {
    if (record.kind !== 'done' || !record.effect.didChange) return [];
    const operation = begun.get(record.intent);
    if (operation === undefined) return [];
    const atS = (record.atMs - startMs) / 1000;
    return [{ atS, type: operation.type, what: describeOperation(operation) }];
  });
}

const seenPower = (records: readonly JournalRecord[], startMs: number): SeenPower[] =>
  records.flatMap((record) => {
    if (record.kind !== 'comparison') return [];
    const { atMs, predictedW, observedW } = record.comparison;
    return [{ atS: (atMs - startMs) / 1000, predictedW, observedW }];
  });

/** The cluster file of a testbed with what an arm changes. */
export function clusterFor(text: string, control: ControlledArm): string {
  const cluster = parse(text);
  return stringify({
    ...cluster,
    hosts: cluster.hosts.map((host: object) => ({ ...host, offPower: offPowerW })),
    guard: { ...cluster.guard, ...commonGuard, ...control.guard },
  });
}

class Testbed {
  readonly #name: string;
  readonly #directory: string;
  readonly #state: string;
  readonly #running = new Set<ChildProcess>();

  constructor(name: string, directory: string) {
    this.#name = name;
    this.#directory = directory;
    this.#state = `/run/wattwin/testbed/${name}`;
  }

  get clusterFile(): string {
    return join(this.#state, 'cluster-live.yaml');
  }

  /** Outside the testbed, so that it is there when that is gone. */
  get journal(): string {
    return join(this.#directory, 'journal');
  }

  /** Runs a command to its end; what it prints goes to a file of that name. */
  async wattwin(name: string, args: readonly string[]): Promise<void> {
    const { done } = this.#start(name, args);
    const status = await done;
    if (status !== 0) {
      const log = readFileSync(join(this.#directory, `${name}.log`), 'utf8').slice(-2000);
      throw new Error(`wattwin ${args.join(' ')} ended with ${status}:\n${log}`);
    }
  }

  startController(control: ControlledArm): { stop(): Promise<void> } {
    const text = readFileSync(join(this.#state, 'cluster.yaml'), 'utf8');
    writeFileSync(this.clusterFile, clusterFor(text, control));
    writeFileSync(join(this.#directory, 'cluster.yaml'), clusterFor(text, control));
    const cluster = ['--cluster', this.clusterFile, '--journal', this.journal];
    const how = ['--mode', 'act', '--execute', '--policy', control.policy];
    const { child, done } = this.#start('control', ['control', ...cluster, ...how]);
    return {
      stop: async () => {
        // It ends after what it has in hand.
        child.kill('SIGINT');
        const status = await done;
        if (status !== 0 && status !== 130) throw new Error(`the controller ended with ${status}`);
      },
    };
  }

  async setGovernor(governor: string): Promise<void> {
    const files = '/sys/devices/system/cpu/cpufreq/policy*/scaling_governor';
    for (const host of hosts) {
      await this.#ssh(host, `for file in ${files}; do echo ${governor} > "$file"; done`);
    }
  }

  /** Settings of frequencies and VMs of every host; a host that is off has said nothing. */
  async state(): Promise<ClusterState> {
    const policies = '/sys/devices/system/cpu/cpufreq/policy*';
    const script = [
      `for policy in ${policies}; do echo "$policy" $(cat $policy/scaling_governor $policy/scaling_min_freq $policy/scaling_max_freq); done`,
      'virsh list --name',
    ].join('; ');
    const states = await Promise.all(
      hosts.map(async (host) => {
        const lines = (await this.#ssh(host, script)).split('\n');
        return [host, lines.filter((line) => line !== '').sort()] as const;
      }),
    );
    return Object.fromEntries(states);
  }

  /** Ends what was started and takes the testbed down. */
  async end(): Promise<void> {
    for (const child of this.#running) child.kill('SIGKILL');
    await this.wattwin('down', ['testbed', 'down', '--name', this.#name]);
  }

  async #ssh(host: string, script: string): Promise<string> {
    const child = spawn('ssh', ['-F', join(this.#state, 'ssh_config'), host, script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += String(chunk);
    });
    const status = await ended(child);
    return status === 0 ? text : '';
  }

  #start(
    name: string,
    args: readonly string[],
  ): { readonly child: ChildProcess; readonly done: Promise<number | null> } {
    const path = join(this.#directory, `${name}.log`);
    mkdirSync(dirname(path), { recursive: true });
    const log = createWriteStream(path);
    const child = spawn(process.execPath, [program, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    this.#running.add(child);
    const done = ended(child).then((status) => {
      this.#running.delete(child);
      log.end();
      return status;
    });
    return { child, done };
  }
}

const ended = (child: ChildProcess): Promise<number | null> =>
  new Promise((settle, reject) => {
    child.on('error', reject);
    child.on('close', (status) => settle(status));
  });
