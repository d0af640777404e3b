/** Sending steps, and looking until what was asked for is so. */
import { OperationError } from '../operation-error.ts';
import type { Action, Look, Step } from './action.ts';
import type { OperationLimits } from './executor.ts';
import { describeOperation, type Operation } from './operation.ts';
import { failureOf } from './said.ts';
import { type Site, stopIfAborted } from './site.ts';

/**
 * Sends one step.
 *
 * @throws OperationError when it does not arrive or fails.
 */
export async function send(
  { host, commands }: Step,
  site: Site,
  limits: OperationLimits,
  timeoutMs?: number,
): Promise<string> {
  const sections = [{ name: 'step', commands: `exec 2>&1\n${commands}` }];
  const answer = await site.ask(host, sections, limits, timeoutMs);
  const output = answer.sections.get('step')!;
  if (output.status !== 0) throw failureOf(host, 'the command', output);
  return output.text;
}

/**
 * Looks until it is done.
 *
 * @param blame What is thrown instead of `ERR_NOT_APPLIED` when it does not get done: why it cannot be.
 * @throws OperationError `ERR_NOT_APPLIED` when the time is up.
 */
export async function settle<O extends Operation, L extends Look>(
  action: Action<O, L>,
  operation: O,
  site: Site,
  limits: OperationLimits,
  { untilMs, blame }: { readonly untilMs: number; readonly blame?: OperationError | undefined },
): Promise<L> {
  const host = 'host' in operation ? operation.host : operation.to;
  for (;;) {
    stopIfAborted(host, limits);
    const isLate = site.clock.monotonicMs() >= untilMs;
    const look = await lookOr(action, operation, site, limits, isLate);
    if (look?.isDone === true) return look;
    // What was refused does not come true by waiting; what was cut off may.
    if (look !== undefined && blame !== undefined && !isOfTheWay(blame)) throw blame;
    if (isLate) {
      const now = look?.now ?? 'nothing can be read';
      throw (
        blame ??
        new OperationError(
          'ERR_NOT_APPLIED',
          host,
          `${host}: could not ${describeOperation(operation)}: no error was reported, but ${now}`,
        )
      );
    }
    await site.clock.sleep(site.timings.pollMs, limits.signal);
  }
}

/**
 * A look, or `undefined` where there is time to look again: the host could not be asked, or the VM changed
 * while it was looked at.
 */
async function lookOr<O extends Operation, L extends Look>(
  action: Action<O, L>,
  operation: O,
  site: Site,
  limits: OperationLimits,
  isLate: boolean,
): Promise<L | undefined> {
  try {
    return await action.look(operation, site, limits);
  } catch (error) {
    if (isLate || !(error instanceof OperationError)) throw error;
    const isPassing = error.code === 'ERR_VM_ABSENT' || error.code === 'ERR_BUSY';
    if (!isPassing && !isOfTheWay(error)) throw error;
    return undefined;
  }
}

/** Whether the way to the host failed, so that what was sent may have arrived or not. */
export function isOfTheWay({ code }: OperationError): boolean {
  return (
    code === 'ERR_UNREACHABLE' ||
    code === 'ERR_TIMEOUT' ||
    code === 'ERR_OUTPUT_TRUNCATED' ||
    code === 'ERR_OUTPUT_LIMIT'
  );
}
