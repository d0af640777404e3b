/** Scripts on hosts, over the system's `ssh`: one command, one connection kept open per host. */
import { randomBytes } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { inputError } from '../../sim/index.ts';
import type { Clock } from '../clock.ts';
import { OperationError } from '../operation-error.ts';
import { commandArguments, exitArguments, type SshArguments } from './arguments.ts';
import { makeControlDirectory } from './control-directory.ts';
import { failureOf, lastLine } from './failure.ts';
import { readFrames, type ScriptOutput, type ScriptSection, scriptOf } from './frames.ts';
import { isHostName } from './host-name.ts';
import { type ProcessLimits, runProcess } from './run-process.ts';

export interface SshOptions {
  /** Configuration file instead of the user's own (`ssh -F`). */
  readonly configFile?: string | undefined;
  /** Limit for one script, ms. Default 20,000. */
  readonly timeoutMs?: number | undefined;
  /** Limit for connecting, s. Default 10. */
  readonly connectTimeoutS?: number | undefined;
  /** How long an idle connection stays open, s. Default 60. */
  readonly persistS?: number | undefined;
  /** Limit for the output of one script, bytes. Default 16 MiB. */
  readonly outputBytesMax?: number | undefined;
  readonly clock: Clock;
}

/** The answer of a host with when it was asked. */
export interface RemoteAnswer extends ScriptOutput {
  /** Wall clock of this machine at the middle of the exchange that is not the script itself, ms. */
  readonly sentAtMs: number;
  readonly receivedAtMs: number;
  /** This machine's monotonic clock when the answer was there, ms. */
  readonly receivedMonotonicMs: number;
}

/** Runs scripts on hosts. */
export interface Transport {
  /** @throws OperationError saying what went wrong with this host. */
  run(
    host: string,
    sections: readonly ScriptSection[],
    limits?: { readonly timeoutMs?: number; readonly signal?: AbortSignal | undefined },
  ): Promise<RemoteAnswer>;
  /** Ends the connections that are kept open and removes their sockets. */
  close(): Promise<void>;
}

/**
 * A transport over the `ssh` on PATH, with known_hosts checked and nothing asked.
 *
 * @throws InputError when the configuration file is missing or no directory for sockets can be had.
 */
export function openSsh(options: SshOptions): Transport {
  const { configFile, clock } = options;
  if (configFile !== undefined && !existsSync(configFile)) {
    throw inputError('--ssh-config', 'a file that exists', configFile);
  }
  const controlDirectory = makeControlDirectory();
  const given: SshArguments = {
    ...(configFile === undefined ? {} : { configFile }),
    controlDirectory,
    connectTimeoutS: options.connectTimeoutS ?? 10,
    persistS: options.persistS ?? 60,
  };
  const outputBytesMax = options.outputBytesMax ?? 16 * 1024 * 1024;
  const used = new Set<string>();
  return {
    async run(host, sections, limits = {}) {
      if (!isHostName(host)) throw inputError('host', '[USER@]HOST as ssh knows it', host);
      used.add(host);
      const timeoutMs = limits.timeoutMs ?? options.timeoutMs ?? 20_000;
      const bounds = { timeoutMs, outputBytesMax, signal: limits.signal };
      return await exchange(host, sections, commandArguments(host, given), bounds, clock);
    },
    async close() {
      const bounds = { timeoutMs: 2000, outputBytesMax: 65_536 };
      await Promise.all(
        [...used].map((host) => runProcess('ssh', exitArguments(host, given), '', bounds, clock)),
      );
      rmSync(controlDirectory, { recursive: true, force: true });
    },
  };
}

async function exchange(
  host: string,
  sections: readonly ScriptSection[],
  args: readonly string[],
  limits: ProcessLimits,
  clock: Clock,
): Promise<RemoteAnswer> {
  const nonce = randomBytes(16).toString('hex');
  const sentAtMs = clock.wallMs();
  const result = await runProcess('ssh', args, scriptOf(sections, nonce), limits, clock);
  const receivedAtMs = clock.wallMs();
  const receivedMonotonicMs = clock.monotonicMs();
  const fail = (code: OperationError['code'], what: string): OperationError =>
    new OperationError(code, host, `${host}: ${what}`);
  const frames = readFrames(result.output, nonce);
  switch (result.end) {
    case 'not-found':
      throw fail('ERR_SSH_MISSING', 'there is no `ssh` on PATH; install the OpenSSH client');
    case 'timeout': {
      const last = [...frames.sections.keys()].at(-1);
      const reached = last === undefined ? 'nothing came' : `the last part that came was ${last}`;
      throw fail('ERR_TIMEOUT', `no whole answer within ${limits.timeoutMs / 1000} s; ${reached}`);
    }
    case 'output-limit':
      throw fail('ERR_OUTPUT_LIMIT', `more than ${limits.outputBytesMax} bytes of output`);
    case 'interrupted':
      throw fail('ERR_INTERRUPTED', 'stopped');
    case 'exit':
  }
  if (result.status !== 0) throw failureOf(host, result.status, result.messages);
  if (!frames.isComplete) {
    const detail = lastLine(result.messages);
    throw fail(
      'ERR_OUTPUT_TRUNCATED',
      `its answer ends early, after ${frames.sections.size} of ${sections.length} parts` +
        (detail === '' ? '' : ` (${detail})`),
    );
  }
  return { ...frames, sentAtMs, receivedAtMs, receivedMonotonicMs };
}
