/**
 * Starts the load client where the guests can be reached: inside the network namespace of the testbed's
 * control machine, so that its sockets are plain sockets.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type OperationCode, OperationError, printable } from '../../operation-error.ts';
import {
  cgroupHierarchies,
  cpuHierarchies,
  entryFiles,
  makeCgroup,
} from '../hosts/control-groups.ts';
import type { TestbedLayout } from '../layout.ts';
import { compiledRoot } from '../package-root.ts';
import type { ClientEvent, ClientJob } from './client-messages.ts';

export interface ClientProcessOptions {
  /** The command that starts the client; see `clientCommand`. */
  readonly command: readonly string[];
  readonly signal: AbortSignal;
  readonly onEvent: (event: ClientEvent) => void;
}

/** Enters the groups whose files come first, up to `--`, and becomes what is behind. */
const enterGroups = 'while [ "$1" != -- ]; do echo $$ >"$1" || exit; shift; done; shift; exec "$@"';

/**
 * @param layout Testbed in whose network the client is to run, and beside whose hosts it gets CPU time;
 *   without it the client runs as we do.
 * @throws TestbedError when the package was not compiled.
 */
export function clientCommand(layout?: TestbedLayout): string[] {
  const client = [process.execPath, join(compiledRoot(), 'deploy/testbed/load/main.js')];
  if (layout === undefined) return client;
  // Hosts come before all other programs, and a client that waits would show as their latency.
  const hierarchies = cpuHierarchies(cgroupHierarchies());
  const group = join(layout.cgroup, 'client');
  makeCgroup(hierarchies, group);
  const { first } = entryFiles(hierarchies, group);
  const network = `--net=/run/netns/${layout.controlNetns}`;
  return ['sh', '-c', enterGroups, 'client', ...first, '--', 'nsenter', network, '--', ...client];
}

/** Of what the client writes to its standard error, kept for the message. */
const stderrCharactersMax = 2000;

/**
 * Does a job in a process of its own. An abort lets the client end what it is at and report it.
 *
 * @throws OperationError when a guest cannot be reached, or the client ends before it is done.
 */
export async function runClient(job: ClientJob, options: ClientProcessOptions): Promise<void> {
  const { command, signal, onEvent } = options;
  const [program, ...words] = command as [string, ...string[]];
  // A session of its own: Ctrl-C is for us, and its priority too.
  const child = spawn(program, words, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-stderrCharactersMax);
  });
  // A client that is gone already says so by its exit.
  child.stdin.on('error', () => child.stdin.destroy());
  child.stdin.write(`${JSON.stringify(job)}\n`);
  const stop = (): void => {
    child.stdin.end();
  };
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop);
  const ended = new Promise<string>((resolve) => {
    child.once('error', ({ message }) => resolve(message));
    child.once('close', (code, by) => resolve(code === 0 ? '' : `it ended with ${code ?? by}`));
  });
  let failed: OperationError | undefined;
  let isDone = false;
  try {
    for await (const text of createInterface({ input: child.stdout })) {
      const event = JSON.parse(text) as ClientEvent;
      if (event.type === 'failed') {
        failed = new OperationError(event.code as OperationCode, event.host, event.message);
      } else {
        isDone ||= event.type === 'ycsb-end' || event.type === 'shifting-end';
        onEvent(event);
      }
    }
  } finally {
    // Also when an event could not be dealt with: the client must not go on.
    stop();
    signal.removeEventListener('abort', stop);
  }
  const problem = await ended;
  if (failed !== undefined) throw failed;
  if (problem === '' && isDone) return;
  if (problem === '' && signal.aborted) {
    throw new OperationError('ERR_INTERRUPTED', 'load client', 'the load client was stopped');
  }
  const why = printable(`${problem} ${stderr}`).slice(0, 400);
  throw new OperationError('ERR_REMOTE_FAILED', 'load client', `the load client failed: ${why}`);
}
