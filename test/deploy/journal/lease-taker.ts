/**
 * A process for the tests of leases. For every line it is given it answers with one: `PATH` is taken
 * and held, `often PATH` is taken and given back many times.
 */
import { appendFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { systemClock } from '../../../deploy/clock.ts';
import { type Lease, takeLease } from '../../../deploy/journal/lease.ts';
import { OperationError } from '../../../deploy/operation-error.ts';

function attempt(path: string): Lease | undefined {
  try {
    return takeLease(path, 'it', systemClock);
  } catch (error) {
    if (error instanceof OperationError) return undefined;
    throw error;
  }
}

function often(path: string): string {
  for (let times = 0; times < 200; ) {
    const lease = attempt(path);
    if (lease === undefined) continue;
    appendFileSync(`${path}-log`, `${process.pid} took\n`);
    appendFileSync(`${path}-log`, `${process.pid} gives\n`);
    lease.release();
    times++;
  }
  return 'done';
}

function answer(line: string): string {
  if (line === 'ready?') return 'ready';
  const [word, path] = line.split(' ');
  if (word === 'often') return often(path!);
  return attempt(line) === undefined ? 'ERR_LEASE' : 'took';
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${answer(line)}\n`);
}
