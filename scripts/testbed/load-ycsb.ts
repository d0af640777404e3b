/** `wattwin testbed load ycsb`: one Redis, one workload. */
import { loadPlan } from '../../deploy/testbed/index.ts';
import { redisPort, type TestbedLayout } from '../../deploy/testbed/layout.ts';
import {
  type ClientCpu,
  clientCommand,
  errorCount,
  runClient,
  type Spacing,
  type WorkloadName,
  type YcsbReport,
  ycsbText,
} from '../../deploy/testbed/load/index.ts';
import { inputError } from '../../sim/index.ts';
import { printJson } from '../cli.ts';
import { startProgress } from '../progress.ts';
import { withoutStack } from './load-failure.ts';
import { ycsbTable } from './load-tables.ts';

export interface YcsbCommandOptions {
  readonly name: string;
  readonly vm?: string;
  readonly address?: string;
  readonly workload: WorkloadName;
  readonly phases: readonly ('load' | 'run')[];
  readonly rate: number;
  /** ms */
  readonly duration: number;
  readonly spacing: Spacing;
  readonly seed: number;
  readonly records: number;
  readonly fields: number;
  readonly fieldBytes: number;
  readonly connections: number;
  /** ms */
  readonly timeout: number;
  readonly format: 'table' | 'json' | 'ycsb';
  readonly quiet?: boolean;
}

interface RedisTarget {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** Of the testbed that it is in. */
  readonly layout?: TestbedLayout;
}

export async function runYcsbCommand(
  options: YcsbCommandOptions,
  signal: AbortSignal,
): Promise<void> {
  const { layout, ...target } = redisTarget(options);
  const durationS = options.duration / 1000;
  const progress = startProgress('ycsb', Math.ceil(durationS), options.quiet ?? false);
  let report: YcsbReport | undefined;
  let client: ClientCpu | undefined;
  try {
    await withoutStack(() =>
      runClient(
        {
          type: 'ycsb',
          job: {
            ...target,
            phases: options.phases,
            workload: options.workload,
            shape: {
              records: options.records,
              fields: options.fields,
              fieldBytes: options.fieldBytes,
            },
            seed: options.seed,
            perS: options.rate,
            durationS,
            spacing: options.spacing,
            connections: options.connections,
            timeoutMs: options.timeout,
            drainMs: Math.min(options.timeout, 5000),
          },
        },
        {
          command: clientCommand(layout),
          signal,
          onEvent: (event) => {
            if (event.type === 'second' && event.point.issued > 0) {
              const { t, done, p99Ms, errors } = event.point;
              const failed = errors === 0 ? '' : `, ${errors} errors`;
              const note = `${done} done, p99 ${p99Ms.toFixed(1)} ms${failed}`;
              progress.update(Math.min(durationS, t), note);
            }
            if (event.type === 'ycsb-end') {
              report = event.report;
              client = event.client;
            }
          },
        },
      ),
    );
  } finally {
    progress.stop();
  }
  if (client === undefined) return;
  if (report === undefined) {
    process.stderr.write(`${options.records} records are there\n`);
    return;
  }
  if (options.format === 'json') printJson({ ...report, client });
  else if (options.format === 'ycsb') process.stdout.write(ycsbText(report));
  else process.stdout.write(ycsbTable(report, client));
  // A server that answered nothing is no result.
  if (report.done === 0 && errorCount(report.errors) > 0) process.exitCode = 1;
}

function redisTarget({ address, name, vm }: YcsbCommandOptions): RedisTarget {
  if (address !== undefined) {
    const parts = /^(\[[0-9a-fA-F:]+\]|[^:[\]]+):(\d{1,5})$/.exec(address);
    if (parts === null) throw inputError('--address', 'HOST:PORT', address);
    const host = parts[1]!.replace(/^\[|\]$/g, '');
    return { name: address, address: host, port: Number(parts[2]) };
  }
  const { vms, layout } = loadPlan(name);
  const withRedis = vms.filter(({ hasRedis }) => hasRedis);
  const found = vm === undefined ? withRedis[0] : withRedis.find((one) => one.name === vm);
  if (found === undefined) {
    const names = withRedis.map((one) => one.name).join(', ') || 'none; up --redis N makes them';
    throw inputError('--vm', `a VM with Redis (${names})`, vm ?? 'none');
  }
  return { name: found.name, address: found.address, port: redisPort, layout };
}
