/** Sending an empty host to sleep: suspended to memory, or off. */
import { OperationError } from '../operation-error.ts';
import { shellWord } from '../ssh/quote.ts';
import type { Action } from './action.ts';
import { cpufreqSection, readPolicies, settingOf } from './cpufreq-state.ts';
import type { OperationLimits } from './executor.ts';
import type { Operation } from './operation.ts';
import { failureOf, textOf } from './said.ts';
import { isOfTheWay, send } from './settle.ts';
import { refused, type Site, stopIfAborted } from './site.ts';

type SleepHost = Extract<Operation, { type: 'sleepHost' }>;

/** Of the script, for a host on which something runs. */
const notEmptyStatus = 9;
/**
 * How long an answer may take from a host that is going to sleep, ms. More than ssh needs to find out that
 * a connection which is kept open is dead (15 s), or that none can be made (10 s): a timeout of our own would tell nothing.
 */
const answerMs = 25_000;

const ways: Readonly<Record<SleepHost['to'], string>> = {
  S3: 'if [ -d /run/systemd/system ]; then systemctl suspend; else echo mem | tee /sys/power/state; fi',
  S5: 'if [ -d /run/systemd/system ]; then systemctl poweroff; else poweroff || busybox poweroff -f; fi',
};

/** Whether any VM is active is asked in the same breath, so that none can come between. */
const scriptOf = (to: SleepHost['to'], site: Site): string =>
  [
    `VMS=$(virsh -r -c ${shellWord(site.cluster.libvirt.uri)} list --uuid) || exit 1`,
    `[ -z "$VMS" ] || { echo "$VMS"; exit ${notEmptyStatus}; }`,
    // It answers before it goes.
    `nohup sh -c ${shellWord(`sleep 1; ${ways[to]}`)} >/dev/null 2>&1 &`,
  ].join('\n');

export const sleepHost: Action<SleepHost> = {
  steps: ({ host, to }, site) => [{ host, commands: site.root(scriptOf(to, site)) }],
  async look({ host, to }, site, limits) {
    const { wake } = site.host(host);
    if (wake === undefined) {
      throw refused(host, 'the cluster file has no `wake` for it: it could not be woken');
    }
    const answer = await site
      .ask(
        host,
        [
          { name: 'vms', commands: site.virshRead('list', '--name') },
          { name: 'states', commands: 'cat /sys/power/state' },
          {
            name: 'access',
            commands: site.cluster.ssh.sudo ? 'sudo -n true' : '[ "$(id -u)" = 0 ]',
          },
          cpufreqSection,
        ],
        limits,
      )
      .catch(orAsleep);
    const undo: Operation[] = [{ type: 'wakeHost', host }];
    if (answer === undefined) return { isDone: true, undo, now: 'it does not answer' };
    const { sections } = answer;
    const vms = textOf(host, sections, 'vms', 'listing VMs')
      .split('\n')
      .filter((name) => name !== '');
    if (vms.length > 0) throw notEmpty(host, vms.length);
    if (sections.get('access')?.status !== 0) {
      throw refused(host, 'only root can do that; say `sudo: true` under `ssh`, or be root');
    }
    if (to === 'S3' && !/\bmem\b/.test(sections.get('states')?.text ?? '')) {
      throw refused(host, 'it cannot be suspended to memory (/sys/power/state has no mem)');
    }
    const settings = readPolicies(sections).map(settingOf);
    // A boot forgets them.
    if (settings.length > 0) undo.push({ type: 'setCpufreq', host, settings });
    return { isDone: false, undo, now: 'it answers' };
  },
  settleMs: ({ offMs }) => offMs,
  async carryOut(operation, _look, site, limits) {
    const { host, to } = operation;
    const untilMs = site.clock.monotonicMs() + site.timings.offMs;
    await fallAsleep(operation, site, limits);
    while (await answers(site, host, limits)) {
      stopIfAborted(host, limits);
      if (site.clock.monotonicMs() >= untilMs) {
        const waited = site.timings.offMs / 1000;
        throw new OperationError(
          'ERR_NOT_APPLIED',
          host,
          `${host}: it still answers ${waited} s after it was told to go to ${to}`,
        );
      }
      await site.clock.sleep(site.timings.pollMs, limits.signal);
    }
    return { how: to };
  },
};

async function fallAsleep(
  operation: SleepHost,
  site: Site,
  limits: OperationLimits,
): Promise<void> {
  const [step] = sleepHost.steps(operation, site);
  const { host } = operation;
  const sections = [{ name: 'step', commands: `exec 2>&1\n${step!.commands}` }];
  const answer = await site.ask(host, sections, limits).catch((error: unknown) => {
    // It may have gone before its answer.
    if (error instanceof OperationError && isOfTheWay(error)) return undefined;
    throw error;
  });
  const output = answer?.sections.get('step');
  if (output === undefined || output.status === 0) return;
  if (output.status === notEmptyStatus) throw notEmpty(host, output.text.trim().split('\n').length);
  throw failureOf(host, 'the command', output);
}

/** Whether the host, or its connection that is kept open, still gives signs of life. */
async function answers(site: Site, host: string, limits: OperationLimits): Promise<boolean> {
  try {
    await send({ host, commands: ':' }, site, limits, answerMs);
    return true;
  } catch (error) {
    if (!(error instanceof OperationError) || !isOfTheWay(error)) throw error;
    // A connection that hangs tells nothing yet: it ends by itself when the host is gone.
    return error.code !== 'ERR_UNREACHABLE';
  }
}

function orAsleep(error: unknown): undefined {
  if (error instanceof OperationError && error.code === 'ERR_UNREACHABLE') return undefined;
  throw error;
}

function notEmpty(host: string, vms: number): OperationError {
  const text = `${host}: it is not empty: ${vms} ${vms === 1 ? 'VM is' : 'VMs are'} active there`;
  return new OperationError('ERR_HOST_NOT_EMPTY', host, text);
}
