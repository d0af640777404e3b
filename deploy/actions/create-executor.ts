/** The executor over ssh: one action for each kind of operation. */
import { OperationError } from '../operation-error.ts';
import type { Action } from './action.ts';
import type { Executor } from './executor.ts';
import { setCpufreq, setFrequency, setGovernor } from './frequency.ts';
import { sleepHost } from './host-sleep.ts';
import { wakeHost } from './host-wake.ts';
import { setMemory } from './memory.ts';
import { migrate } from './migrate.ts';
import type { Operation, OperationType } from './operation.ts';
import { pinVcpus } from './pinning.ts';
import { setQuota } from './quota.ts';
import { isOfTheWay, send, settle } from './settle.ts';
import { setShares } from './shares.ts';
import { type ExecutorOptions, Site, stopIfAborted } from './site.ts';
import { setVcpus } from './vcpus.ts';
import { startVm } from './vm-start.ts';
import { stopVm } from './vm-stop.ts';

const actions: { readonly [T in OperationType]: Action<Extract<Operation, { type: T }>> } = {
  migrate,
  startVm,
  stopVm,
  setVcpus,
  setQuota,
  setShares,
  pinVcpus,
  setMemory,
  setGovernor,
  setFrequency,
  setCpufreq,
  sleepHost,
  wakeHost,
};

/** Sends the steps and looks until they show. */
async function carryOutSteps(
  action: Action<Operation>,
  operation: Operation,
  site: Site,
  limits: { readonly signal?: AbortSignal | undefined },
): Promise<{ how?: string }> {
  const settleMs = action.settleMs(site.timings);
  const untilMs = site.clock.monotonicMs() + settleMs;
  let blame: OperationError | undefined;
  try {
    for (const step of action.steps(operation, site)) {
      await send(step, site, limits, Math.max(site.cluster.ssh.timeout, settleMs));
    }
  } catch (error) {
    // A command that fails may have done it all the same, and one whose answer is lost may have run.
    if (!(error instanceof OperationError) || !(isOfTheWay(error) || mayHaveActed(error)))
      throw error;
    blame = error;
  }
  const { how } = await settle(action, operation, site, limits, { untilMs, blame });
  return how === undefined ? {} : { how };
}

const mayHaveActed = ({ code }: OperationError): boolean =>
  code === 'ERR_REMOTE_FAILED' || code === 'ERR_REFUSED';

/** An executor for the hosts of a cluster file. */
export function createExecutor(options: ExecutorOptions): Executor {
  const site = new Site(options);
  const actionOf = (operation: Operation): Action<Operation> => actions[operation.type];
  return {
    commands: (operation) =>
      actionOf(operation)
        .steps(operation, site)
        .flatMap(({ host, commands }) => commands.split('\n').map((line) => `${host}: ${line}`)),
    async prepare(operation, limits = {}) {
      const { isDone, undo } = await actionOf(operation).look(operation, site, limits);
      return { operation, isDone, undo: isDone ? [] : undo };
    },
    async apply({ operation }, limits = {}) {
      const action = actionOf(operation);
      const startMs = site.clock.monotonicMs();
      const elapsed = (): number => site.clock.monotonicMs() - startMs;
      // Again, however short ago it was prepared: others act on these hosts too.
      const look = await action.look(operation, site, limits);
      const how = look.how === undefined ? {} : { how: look.how };
      if (look.isDone) return { elapsedMs: elapsed(), didChange: false, ...how };
      stopIfAborted('host' in operation ? operation.host : operation.from, limits);
      const done = action.carryOut
        ? await action.carryOut(operation, look, site, limits)
        : await carryOutSteps(action, operation, site, limits);
      return { elapsedMs: elapsed(), didChange: true, ...done };
    },
  };
}
