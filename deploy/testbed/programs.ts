/** Programs of this machine: run to their end, with what they said when they fail. */
import { spawn } from 'node:child_process';
import type { Clock } from '../clock.ts';
import { lastLine } from '../ssh/failure.ts';
import { runProcess } from '../ssh/run-process.ts';
import { TestbedError, type TestbedErrorCode } from './testbed-error.ts';

export interface RunOptions {
  readonly input?: string;
  /** Default 30 s. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
  readonly code?: TestbedErrorCode;
}

/** What runs programs; tests put their own in its place. */
export interface Programs {
  /**
   * @returns What the program printed.
   * @throws TestbedError when it cannot be run or does not end with status 0.
   */
  run(argv: readonly string[], options?: RunOptions): Promise<string>;
}

const outputBytesMax = 16 * 1024 * 1024;

/** The programs on PATH. */
export function systemPrograms(clock: Clock): Programs {
  return {
    async run([program, ...args], { input = '', timeoutMs = 30_000, signal, code } = {}) {
      const limits = { timeoutMs, outputBytesMax, signal };
      const result = await runProcess(program!, args, input, limits, clock);
      signal?.throwIfAborted();
      if (result.end === 'exit' && result.status === 0) return result.output.toString('utf8');
      const how = {
        exit: result.status === null ? 'was killed' : `ended with status ${result.status}`,
        timeout: `did not end within ${timeoutMs / 1000} s`,
        'output-limit': 'printed too much',
        interrupted: 'was stopped',
        'not-found': 'is not on PATH',
      }[result.end];
      const detail = lastLine(result.messages);
      throw new TestbedError(
        code ?? 'ERR_COMMAND',
        `\`${[program, ...args].join(' ')}\` ${how}${detail === '' ? '' : `: ${detail}`}`,
      );
    },
  };
}

/**
 * Runs a program on this terminal, for as long as it likes.
 *
 * @returns Its exit status; 128 and the signal's number when it was killed, as shells have it.
 */
export function runInteractively([program, ...args]: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program!, args, { stdio: 'inherit' });
    child.on('error', reject);
    child.on('close', (status, signal) => resolve(status ?? (signal === 'SIGKILL' ? 137 : 143)));
  });
}
