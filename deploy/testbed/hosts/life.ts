/** A host comes up, goes down, and whether it is up. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import type { Clock } from '../../clock.ts';
import type { HostLayout, TestbedLayout } from '../layout.ts';
import { poll } from '../polling.ts';
import type { Programs } from '../programs.ts';
import { TestbedError } from '../testbed-error.ts';
import {
  type CgroupHierarchy,
  entryFiles,
  makeCgroup,
  processesIn,
  removeCgroup,
} from './control-groups.ts';
import { readyLine } from './init-script.ts';
import { linkCommand } from './network.ts';

/** What the functions here work with. */
export interface HostTools {
  readonly programs: Programs;
  readonly clock: Clock;
  readonly hierarchies: readonly CgroupHierarchy[];
  readonly signal?: AbortSignal | undefined;
}

/** Enters the groups whose files come first, up to `--`, and becomes what is behind. */
const enterGroups = 'while [ "$1" != -- ]; do echo $$ >"$1" || exit; shift; done; shift; exec "$@"';

/**
 * Keeps a host: runs it, again when it reboots (SIGHUP is what the kernel tells the parent of a process
 * 1 that asked for that), and pulls its cable when it is off, as a machine without power does not answer.
 */
const keepHost = [
  'while [ "$1" != -- ]; do echo $$ >"$1" || exit; shift; done; shift',
  'control=$1 link=$2; shift 2',
  'while :; do "$@"; [ $? -eq 129 ] || break; done',
  'ip -n "$control" link set "$link" down',
].join('\n');

/** The command line that becomes a host. */
export function hostCommand(
  layout: TestbedLayout,
  host: HostLayout,
  hierarchies: readonly CgroupHierarchy[],
): string[] {
  const groups = entryFiles(hierarchies, host.cgroup);
  const name = `wattwin-${layout.name}-${host.name}`;
  const spaces = ['--pid', '--mount', '--uts', '--ipc'];
  return [
    ...['sh', '-c', enterGroups, name, ...groups.first, '--'],
    ...['unshare', '--cgroup', 'sh', '-c', keepHost, name, ...groups.second, '--'],
    ...[layout.controlNetns, host.name],
    ...['nsenter', `--net=/run/netns/${host.netns}`],
    // When it dies itself, its child, the host's process 1, and so the whole host, dies too.
    ...['unshare', '--fork', '--kill-child=KILL', ...spaces, '--'],
    ...['env', '-i', 'TERM=dumb', 'sh', host.initScript],
  ];
}

/** A host that this process has started. */
export interface StartedHost {
  readonly host: HostLayout;
  /** Whether it has gone down since. */
  hasEnded(): boolean;
}

/**
 * Starts a host; it goes on when this process ends.
 *
 * @throws TestbedError when it is up already.
 */
export async function startHost(
  layout: TestbedLayout,
  host: HostLayout,
  { programs, clock, hierarchies }: HostTools,
): Promise<StartedHost> {
  // One that switches itself off is still there for a moment, without its process 1.
  const isOff = await poll(
    () => {
      if (!isRunning(host, hierarchies)) return true;
      return firstProcess(host, hierarchies) === undefined ? undefined : false;
    },
    { clock, timeoutMs: 10_000 },
  );
  if (isOff !== true) {
    throw new TestbedError('ERR_HOST', `${host.name} is up already`);
  }
  // Groups of VMs that died with it.
  removeCgroup(hierarchies, host.cgroup);
  makeCgroup(hierarchies, host.cgroup);
  await programs.run(linkCommand(layout, host, 'up'));
  const [program, ...args] = hostCommand(layout, host, hierarchies);
  const console = openSync(host.console, 'w', 0o600);
  try {
    const child = spawn(program!, args, {
      detached: true,
      cwd: '/',
      stdio: ['ignore', console, console],
    });
    await new Promise<void>((resolve, reject) => {
      child.on('spawn', resolve);
      child.on('error', reject);
    });
    child.unref();
    return { host, hasEnded: () => child.exitCode !== null || child.signalCode !== null };
  } finally {
    closeSync(console);
  }
}

/** @throws TestbedError with the end of its console when it does not get ready. */
export async function awaitHost(
  { host, hasEnded }: StartedHost,
  { clock, signal }: Pick<HostTools, 'clock' | 'signal'>,
): Promise<void> {
  const end = await poll(
    () => {
      if (readFileSync(host.console, 'utf8').includes(`${readyLine}\n`)) return 'ready';
      return hasEnded() ? 'dead' : undefined;
    },
    { clock, timeoutMs: 90_000, signal },
  );
  if (end === 'ready') return;
  const what = end === 'dead' ? 'went down while it started' : 'did not get ready in time';
  const said = readFileSync(host.console, 'utf8').trimEnd().split('\n').slice(-15);
  throw new TestbedError(
    'ERR_HOST',
    [`${host.name} ${what}; its console says:`, ...said.map((line) => `  ${line}`)].join('\n'),
  );
}

/** Cuts the power of a host: its link is gone at once, then all that it ran. */
export async function killHost(
  layout: TestbedLayout,
  host: HostLayout,
  tools: HostTools,
): Promise<void> {
  await tools.programs.run(linkCommand(layout, host, 'down'));
  await killGroup(host.cgroup, tools);
}

/**
 * Kills all processes of a group until none is left.
 *
 * @throws TestbedError when some do not go.
 */
export async function killGroup(
  cgroup: string,
  { hierarchies, clock }: Omit<HostTools, 'programs'>,
): Promise<void> {
  const isEmpty = await poll(
    () => {
      const living = [...processesIn(hierarchies, cgroup)].filter(isAlive);
      for (const pid of living) killProcess(pid, 'SIGKILL');
      return living.length === 0 || undefined;
    },
    { clock, timeoutMs: 20_000 },
  );
  if (isEmpty) return;
  const left = [...processesIn(hierarchies, cgroup)].join(', ');
  throw new TestbedError('ERR_LEFTOVERS', `processes of ${cgroup} do not end: ${left}`);
}

export function killProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It ended by itself just now.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Whether a host has any process. */
export const isRunning = (host: HostLayout, hierarchies: readonly CgroupHierarchy[]): boolean =>
  [...processesIn(hierarchies, host.cgroup)].some(isAlive);

/** Whether a process is there and no zombie. */
export function isAlive(pid: number): boolean {
  const status = readStatus(pid);
  return status !== undefined && !/^State:\s*[ZX]/m.test(status);
}

/** This machine's number of the host's process 1; `/proc/NUMBER/root` is the host's root. */
export function firstProcess(
  host: HostLayout,
  hierarchies: readonly CgroupHierarchy[],
): number | undefined {
  return [...processesIn(hierarchies, host.cgroup)].find((pid) =>
    /^NSpid:\s*\d+\s+1$/m.test(readStatus(pid) ?? ''),
  );
}

function readStatus(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}
