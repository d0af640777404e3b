/** `wattwin serve`: the decision service over HTTP. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import {
  isLoopback,
  readClusterFile,
  readToken,
  startService,
  tokenIn,
} from '../../deploy/index.ts';
import { inputError, parseQuantity } from '../../sim/index.ts';
import { runCommand, wholeNumber } from '../cli.ts';
import { journalDirectory } from '../live/journal-directory.ts';
import type { ServeWorkerData } from '../serve/worker.ts';

interface Options {
  readonly host: string;
  readonly port: number;
  readonly cluster?: string;
  readonly journal?: string;
  readonly tokenFile?: string;
  /** `false` with `--no-token`. */
  readonly token: boolean;
  readonly stateDir: string;
  readonly checkpoint?: string;
  readonly workers: number;
  readonly rate: number;
  readonly bodyLimit: number;
  readonly logLevel: string;
  readonly stopTimeout: number;
}

const logLevels = ['silent', 'error', 'warn', 'info', 'debug'];

export function serveCommand(): Command {
  return new Command('serve')
    .description('answer questions about clusters over HTTP: decide, plan, place, what if')
    .option('--host <address>', 'where to listen; others than loopback need a token', '127.0.0.1')
    .option('--port <n>', '0: any that is free', port, 8484)
    .option('--cluster <file>', 'cluster file: its limits hold, and its controller is shown')
    .option('--journal <dir>', 'the controller’s journal, where it is not beside the cluster file')
    .option('--token-file <file>', 'secret that clients show; default: made in the state directory')
    .option('--no-token', 'everyone on this machine may ask; only on a loopback address')
    .option('--state-dir <dir>', 'where the token and plans are kept', defaultStateDirectory())
    .option('--checkpoint <file>', 'of the policy `learned`')
    .option('--workers <n>', 'threads that answer', wholeNumber(1), 2)
    .option('--rate <n>', 'requests of one client in a second', wholeNumber(1), 200)
    .option('--body-limit <size>', 'largest request', size, 32 * 2 ** 20)
    .option('--log-level <level>', logLevels.join(', '), logLevel, 'warn')
    .option(
      '--stop-timeout <time>',
      'for requests under way when it is told to stop',
      duration,
      10_000,
    )
    .addHelpText(
      'after',
      `
  wattwin serve
  curl -H "Authorization: Bearer $(cat ~/.local/state/wattwin/service/token)" \\
       -H 'Content-Type: application/json' -d @request.json http://127.0.0.1:8484/v1/decide
  wattwin serve --cluster cluster.yaml           # with a dashboard, and approvals for its controller

Every request carries all that is needed, so any number of services may run side by side. What can
be asked is at /v1/openapi.json and in docs/service.md. It changes no host: of a cluster it reads the
controller's journal and writes a person's word on decisions. SIGTERM or Ctrl-C ends it in good order.

Exit codes: 0 told to stop, 1 failed, 2 bad input.`,
    )
    .action((options: Options) => runCommand((signal) => serve(options, signal)));
}

function port(text: string): number {
  const value = wholeNumber(0)(text);
  if (value > 65_535) throw new InvalidArgumentError('expected a port from 0 to 65535.');
  return value;
}

function size(text: string): number {
  const bytes = parseQuantity('size', text);
  if (bytes !== undefined && bytes >= 1024 && bytes <= 2 ** 30) return bytes;
  throw new InvalidArgumentError('expected a size from 1 KiB to 1 GiB, such as "32 MiB".');
}

function duration(text: string): number {
  const ms = parseQuantity('duration', text);
  if (ms !== undefined) return ms;
  throw new InvalidArgumentError('expected a time such as "10 s".');
}

function logLevel(text: string): string {
  if (logLevels.includes(text)) return text;
  throw new InvalidArgumentError(`expected one of ${logLevels.join(', ')}.`);
}

/** @see https://specifications.freedesktop.org/basedir-spec/ */
function defaultStateDirectory(): string {
  const state = process.env['XDG_STATE_HOME'] || join(homedir(), '.local', 'state');
  return join(state, 'wattwin', 'service');
}

async function serve(options: Options, signal: AbortSignal): Promise<void> {
  const cluster = options.cluster === undefined ? undefined : readClusterFile(options.cluster);
  const isAttached = options.cluster !== undefined || options.journal !== undefined;
  const token = tokenOf(options);
  const data: ServeWorkerData = {
    ...(cluster === undefined ? {} : { cluster }),
    ...(options.checkpoint === undefined ? {} : { checkpoint: options.checkpoint }),
  };
  const asWritten = import.meta.url.endsWith('.ts');
  const service = await startService({
    host: options.host,
    port: options.port,
    version: '0.1.0',
    token: token?.secret,
    stateDirectory: options.stateDir,
    journal: isAttached ? journalDirectory(options) : undefined,
    cluster: cluster && { name: cluster.name, killSwitch: cluster.guard.killSwitch },
    workers: {
      filename: new URL(`../serve/worker.${asWritten ? 'ts' : 'js'}`, import.meta.url).href,
      execArgv: asWritten ? ['--import', 'tsx'] : [],
      workerData: data,
      threads: options.workers,
    },
    bodyMaxBytes: options.bodyLimit,
    requestsPerS: options.rate,
    log: { level: options.logLevel, stream: process.stderr },
  }).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE' && code !== 'EACCES' && code !== 'EADDRNOTAVAIL') throw error;
    throw inputError(`${options.host}:${options.port}`, 'an address that can be listened on', code);
  });
  process.stdout.write(`listening on ${service.address}\n`);
  if (isAttached) process.stdout.write(`dashboard at ${service.address}/dashboard/\n`);
  if (token !== undefined) {
    const made = token.isNew ? 'a new token' : 'the token';
    process.stdout.write(`${made} is in ${token.path}\n`);
  }
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  }
  await service.close(options.stopTimeout);
}

/** The secret and where it is; `undefined` where none is wanted. */
function tokenOf(
  options: Options,
): { readonly secret: string; readonly path: string; readonly isNew: boolean } | undefined {
  if (!options.token) {
    if (options.tokenFile !== undefined) {
      throw inputError('--no-token', 'no --token-file with it', options.tokenFile);
    }
    if (isLoopback(options.host)) return undefined;
    throw inputError('--no-token', 'a loopback address (--host)', options.host);
  }
  if (options.tokenFile !== undefined) {
    return { secret: readToken(options.tokenFile), path: options.tokenFile, isNew: false };
  }
  const path = join(options.stateDir, 'token');
  const { token, isNew } = tokenIn(path);
  return { secret: token, path, isNew };
}
