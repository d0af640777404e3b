/** From nothing to a comparison of governors, and back to nothing. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MetricsWriter, observeHosts, systemClock } from '../../deploy/index.ts';
import { bringUp, openAgent, systemPrograms, takeDown } from '../../deploy/testbed/index.ts';
import { compareRuns, readRun, ycsbShape } from '../../deploy/testbed/load/index.ts';
import type { TestbedPlan } from '../../deploy/testbed/plan.ts';
import { inputError, percentile } from '../../sim/index.ts';
import { withSsh } from '../observe/connection-options.ts';
import { type GovernorSetting, setGovernor } from './governor.ts';
import { carryOutLoad } from './load-run.ts';
import { comparisonTable, loadTable } from './load-tables.ts';

export interface ExperimentOptions {
  readonly name: string;
  readonly out: string;
  readonly governors: readonly GovernorSetting[];
  readonly hosts: number;
  readonly vms: number;
  readonly redis: number;
  readonly seed: number;
  /** ms */
  readonly duration: number;
  /** ms */
  readonly phase: number;
  readonly mean: number;
  readonly redisFull: number;
  readonly keep?: boolean;
  readonly quiet?: boolean;
}

const clock = systemClock;
const programs = systemPrograms(clock);
/** For a governor to find its frequency before the load begins, ms. */
const settleMs = 2000;

export async function runExperiment(
  options: ExperimentOptions,
  signal: AbortSignal,
): Promise<void> {
  const { name, hosts, vms, redis, out, governors } = options;
  for (const setting of governors) {
    const directory = directoryOf(out, setting);
    if (existsSync(directory)) throw inputError('--out', 'a directory without this run', directory);
  }
  const spec = { name, hosts, vms, redis, disk: 'none' as const, hardware: {} };
  const testbed = await bringUp(spec, { programs, clock, signal, say });
  try {
    const unitRate = await speedOf(testbed, signal);
    for (const setting of governors) {
      if (signal.aborted || process.exitCode !== undefined) break;
      await oneRun(testbed, setting, unitRate, options, signal);
    }
  } finally {
    if (options.keep) say(`testbed "${name}" stays: \`wattwin testbed down --name ${name}\``);
    else await takeDown(name, { programs, clock });
  }
  if (signal.aborted || process.exitCode !== undefined) return;
  await compareAll(options);
}

/** Work units per second of one VM at full speed, so that the load does not depend on the governors. */
async function speedOf(testbed: TestbedPlan, signal: AbortSignal): Promise<number> {
  await setGovernor(testbed, { text: 'performance', governor: 'performance' }, programs, signal);
  const agent = openAgent(testbed.layout, testbed.vms.at(-1)!, { clock });
  try {
    const speeds = [await agent.calibrate(), await agent.calibrate(), await agent.calibrate()];
    return percentile(
      speeds.sort((a, b) => a - b),
      0.5,
    );
  } finally {
    agent.close();
  }
}

async function oneRun(
  testbed: TestbedPlan,
  setting: GovernorSetting,
  unitRate: number,
  options: ExperimentOptions,
  signal: AbortSignal,
): Promise<void> {
  const { name, governors, out, ...load } = options;
  const directory = directoryOf(out, setting);
  const isFirst = setting === governors[0];
  say(`${setting.text}: ${(options.duration / 1000).toFixed(0)} s of load`);
  await setGovernor(testbed, setting, programs, signal);
  await clock.sleep(settleMs, signal);
  const done = new AbortController();
  const watching = watch(testbed, directory, AbortSignal.any([done.signal, signal]));
  try {
    const result = await carryOutLoad(
      {
        ...load,
        ...{ name, out: directory, kind: 'both', workload: 'a', records: ycsbShape.records },
        ...{ unitRate, job: 50, connections: 4, create: true, timeout: 10_000 },
        ...(isFirst ? {} : { like: directoryOf(out, governors[0]!) }),
      },
      signal,
    );
    if (result !== undefined) process.stdout.write(loadTable(result.summary, result.client));
    // The energy of the last second comes with the next reading.
    await clock.sleep(1500, signal);
  } finally {
    done.abort();
    await watching;
  }
}

/** Telemetry of every host until the signal. */
async function watch(
  { hosts, layout }: TestbedPlan,
  directory: string,
  signal: AbortSignal,
): Promise<void> {
  const names = hosts.map((host) => host.name);
  const writers = new Map(
    names.map((host) => [host, new MetricsWriter(join(directory, host, 'metrics.jsonl'))]),
  );
  const connection = { virshUri: 'qemu:///system', timeout: 10_000, parallel: 32 };
  try {
    await withSsh({ sshConfig: layout.sshConfig, ...connection }, async (transport) => {
      const { virshUri, timeout: timeoutMs, parallel } = connection;
      const how = { everyMs: 1000, timeoutMs, parallel, virshUri, sudo: false, signal, clock };
      await observeHosts(names, transport, how, (observation) => {
        const { host, kind } = observation;
        if (kind === 'sample') writers.get(host)!.write(observation.sample);
        if (kind === 'failed') say(`${host}: ${observation.error.message}`);
      });
    });
  } finally {
    for (const writer of writers.values()) writer.close();
  }
}

async function compareAll({ governors, out }: ExperimentOptions): Promise<void> {
  const [first, ...others] = governors;
  const baseline = await readRun(directoryOf(out, first!));
  for (const setting of others) {
    const figures = compareRuns(baseline, await readRun(directoryOf(out, setting)));
    process.stdout.write(`\n${setting.text} against ${first!.text}\n`);
    process.stdout.write(comparisonTable(figures, baseline.phases.length));
  }
}

const directoryOf = (out: string, { text }: GovernorSetting): string =>
  join(out, text.replace(':', '-'));

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
