/** Waking a host by the command of the cluster file, which runs here. */
import { OperationError } from '../operation-error.ts';
import { lastLine } from '../ssh/failure.ts';
import { runProcess } from '../ssh/run-process.ts';
import type { Action } from './action.ts';
import { commandLine } from './command-line.ts';
import type { OperationLimits } from './executor.ts';
import type { Operation } from './operation.ts';
import { isOfTheWay } from './settle.ts';
import { refused, type Site, stopIfAborted } from './site.ts';

type WakeHost = Extract<Operation, { type: 'wakeHost' }>;

/** How long the answer of a host that may be off may take, ms; ssh tries for 10 s. */
const answerMs = 12_000;
/** So many times its usual time a host may take. */
const patience = 3;

function wakeOf(site: Site, host: string): readonly [string, ...string[]] {
  const [program, ...words] = site.host(host).wake ?? [];
  if (program === undefined) throw refused(host, 'the cluster file has no `wake` for it');
  return [program, ...words];
}

export const wakeHost: Action<WakeHost> = {
  steps: ({ host }, site) => [{ host: 'here', commands: commandLine(wakeOf(site, host)) }],
  async look({ host }, site, limits) {
    wakeOf(site, host);
    const state = await wakefulness(site, host, limits);
    const undo: readonly Operation[] = [{ type: 'sleepHost', host, to: site.host(host).sleep }];
    return { isDone: state === undefined, undo, now: state ?? 'it answers' };
  },
  settleMs: () => 0,
  async carryOut({ host }, _look, site, limits) {
    const { wakeTime } = site.host(host);
    const startMs = site.clock.monotonicMs();
    let calls = 0;
    for (;;) {
      const passedMs = site.clock.monotonicMs() - startMs;
      if (passedMs >= patience * wakeTime) {
        const state = (await wakefulness(site, host, limits)) ?? 'it answers now';
        throw new OperationError(
          'ERR_WAKE',
          host,
          `${host}: not awake ${Math.round(passedMs / 1000)} s after it was called: ${state}`,
        );
      }
      // A packet that wakes may be lost: call again when the time is up that it takes.
      if (passedMs >= calls * wakeTime) {
        await call(site, host, limits);
        calls++;
      }
      if ((await wakefulness(site, host, limits)) === undefined) return {};
      stopIfAborted(host, limits);
      await site.clock.sleep(site.timings.pollMs, limits.signal);
    }
  },
};

async function call(site: Site, host: string, limits: OperationLimits): Promise<void> {
  const [program, ...words] = wakeOf(site, host);
  const bounds = {
    timeoutMs: site.cluster.ssh.timeout,
    outputBytesMax: 65_536,
    signal: limits.signal,
  };
  const fail = (what: string): OperationError =>
    new OperationError('ERR_WAKE', host, `${host}: ${commandLine([program])} ${what}`);
  const { end, status, messages } = await runProcess(program, words, '', bounds, site.clock);
  if (end === 'interrupted') throw new OperationError('ERR_INTERRUPTED', host, `${host}: stopped`);
  if (end === 'not-found') throw fail('is not there');
  if (end !== 'exit') throw fail(end === 'timeout' ? 'does not end' : 'prints without end');
  if (status !== 0) throw fail(`failed (${lastLine(messages) || `status ${status}`})`);
}

/** Why it is not awake; `undefined` when ssh and libvirt answer. */
async function wakefulness(
  site: Site,
  host: string,
  limits: OperationLimits,
): Promise<string | undefined> {
  const sections = [{ name: 'vms', commands: site.virshRead('list', '--name') }];
  try {
    const answer = await site.ask(host, sections, limits, answerMs);
    return answer.sections.get('vms')?.status === 0 ? undefined : 'libvirt does not answer yet';
  } catch (error) {
    if (!(error instanceof OperationError) || !isOfTheWay(error)) throw error;
    return 'it does not answer';
  }
}
