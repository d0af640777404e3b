/** Runs a program with a time limit and a limit on what it may print. */
import { spawn } from 'node:child_process';
import type { Clock } from '../clock.ts';

export interface ProcessLimits {
  readonly timeoutMs: number;
  /** Of standard output; standard error is cut at 64 KiB without an error. */
  readonly outputBytesMax: number;
  readonly signal?: AbortSignal | undefined;
}

export type ProcessEnd = 'exit' | 'timeout' | 'output-limit' | 'interrupted' | 'not-found';

export interface ProcessResult {
  readonly end: ProcessEnd;
  /** Exit status; null when it was killed or never ran. */
  readonly status: number | null;
  readonly output: Buffer;
  readonly messages: string;
}

const messageBytesMax = 65_536;
/** Between asking a process to end and ending it. */
const graceMs = 500;
/** A process that has ended may have left a child that holds its pipes open: wait no longer. */
const drainMs = 1000;

/**
 * Starts `program` without a shell, writes `input` to it and collects what it prints.
 *
 * Resolves in every case but a program that cannot be started for a reason other than its absence.
 */
export function runProcess(
  program: string,
  args: readonly string[],
  input: string,
  limits: ProcessLimits,
  clock: Clock,
): Promise<ProcessResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      // A group of its own: Ctrl-C in a terminal is ours to pass on, not each child's to die of.
      detached: true,
      // Messages are matched in English.
      env: { ...process.env, LC_ALL: 'C' },
    });
    const output: Buffer[] = [];
    const messages: Buffer[] = [];
    let outputBytes = 0;
    let messageBytes = 0;
    let end: ProcessEnd = 'exit';
    let isSettled = false;
    const pending: (() => void)[] = [];
    const finish = (status: number | null): void => {
      if (isSettled) return;
      isSettled = true;
      for (const cancel of pending) cancel();
      limits.signal?.removeEventListener('abort', interrupt);
      child.stdout.destroy();
      child.stderr.destroy();
      resolve({
        end,
        status,
        output: Buffer.concat(output),
        messages: Buffer.concat(messages).toString('utf8'),
      });
    };
    const stop = (why: ProcessEnd): void => {
      if (end !== 'exit' || isSettled) return;
      end = why;
      child.kill('SIGTERM');
      pending.push(clock.after(graceMs, () => child.kill('SIGKILL')));
    };
    const interrupt = (): void => stop('interrupted');
    pending.push(clock.after(limits.timeoutMs, () => stop('timeout')));
    limits.signal?.addEventListener('abort', interrupt);
    if (limits.signal?.aborted === true) interrupt();

    child.stdout.on('data', (chunk: Buffer) => {
      outputBytes += chunk.length;
      if (outputBytes > limits.outputBytesMax) stop('output-limit');
      else output.push(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      messageBytes += chunk.length;
      if (messageBytes <= messageBytesMax) messages.push(chunk);
    });
    // A host that hangs up while the script is being written reports it by its exit status.
    child.stdin.on('error', () => child.stdin.destroy());
    child.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') {
        end = 'not-found';
        finish(null);
      } else {
        for (const cancel of pending) cancel();
        reject(error);
      }
    });
    child.on('close', (status) => finish(status));
    child.on('exit', (status) => pending.push(clock.after(drainMs, () => finish(status))));
    child.stdin.end(input);
  });
}
