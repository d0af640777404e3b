/** An executor for a fake cluster, which is quick and so is not waited for long. */
import { createExecutor } from '../../../deploy/actions/create-executor.ts';
import type { Effect, Executor } from '../../../deploy/actions/executor.ts';
import type { Operation } from '../../../deploy/actions/operation.ts';
import type { ExecutorOptions } from '../../../deploy/actions/site.ts';
import { systemClock } from '../../../deploy/clock.ts';
import type { FakeCluster } from './fake-cluster.ts';

/** Long enough for a fake cluster on a busy machine, short enough for a test. */
export const quick = {
  pollMs: 20,
  settleMs: 200,
  memoryMs: 200,
  startMs: 1000,
  stopMs: 1000,
  askAgainMs: 300,
  offMs: 4000,
  stallMs: 500,
  placeMs: 3000,
  stillMs: 200,
} as const;

export function executorOf(
  cluster: FakeCluster,
  over: Partial<ExecutorOptions> = {},
  file: Readonly<Record<string, unknown>> = {},
): Executor {
  return createExecutor({
    cluster: cluster.file(file),
    transport: cluster.transport,
    clock: systemClock,
    timings: quick,
    ...over,
  });
}

export async function doIt(executor: Executor, operation: Operation): Promise<Effect> {
  return await executor.apply(await executor.prepare(operation));
}
