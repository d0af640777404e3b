/** What all commands share: exit codes, errors for people, Ctrl-C, numbers from options. */
import { availableParallelism } from 'node:os';
import { InvalidArgumentError } from 'commander';
import { OperationError } from '../deploy/index.ts';
import { InputError } from '../sim/index.ts';

/** Exit codes: 0 done, 1 failed, 2 bad input; 130 is the shell's word for Ctrl-C. */
const exitCodes = { failed: 1, badInput: 2, interrupted: 130 } as const;

/** Runs a command's work; reports what goes wrong and sets the exit code. */
export async function runCommand(
  work: (signal: AbortSignal) => Promise<void> | void,
): Promise<void> {
  const controller = new AbortController();
  const interrupt = (): void => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted);
    process.stderr.write('\nstopping after the work in hand; press Ctrl-C again to stop at once\n');
    controller.abort();
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  try {
    await work(controller.signal);
  } catch (error) {
    if (controller.signal.aborted) {
      process.stderr.write('stopped; what was finished is kept, run the same command to go on\n');
      process.exitCode = exitCodes.interrupted;
    } else if (error instanceof InputError) {
      process.stderr.write(`${error.message}\n`);
      process.exitCode = exitCodes.badInput;
    } else if (error instanceof OperationError) {
      process.stderr.write(`${error.code} ${error.message}\n`);
      process.exitCode = exitCodes.failed;
    } else {
      process.stderr.write(
        `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
      );
      process.exitCode = exitCodes.failed;
    }
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}

/** Cores that workers may use by default. */
export const defaultWorkers = Math.max(1, availableParallelism());

/** Parser for an option that is a whole number of at least `minimum`. */
export function wholeNumber(minimum: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < minimum) {
      throw new InvalidArgumentError(`expected a whole number from ${minimum} up.`);
    }
    return value;
  };
}

/** `3`, `1,2,5` or `101..108` → seeds. */
export function seedList(text: string): number[] {
  const range = /^(\d+)\.\.(\d+)$/.exec(text);
  if (range !== null) {
    const [from, to] = [Number(range[1]), Number(range[2])];
    if (to < from || to - from > 10_000) throw new InvalidArgumentError('expected a rising range.');
    return Array.from({ length: to - from + 1 }, (_, index) => from + index);
  }
  const seeds = text.split(',').map(wholeNumber(0));
  return seeds;
}

/** Characters that JSON may hold as they are and that a terminal obeys, or shows as if they were not there. */
const unseen = /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** A value as JSON that may be shown on a terminal, whatever hosts called their VMs; the value is the same. */
export function jsonText(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(
    unseen,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Prints a value as one JSON document. */
export function printJson(value: unknown): void {
  process.stdout.write(`${jsonText(value, 2)}\n`);
}
