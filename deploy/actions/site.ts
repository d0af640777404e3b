/** What all operations work with: the cluster file, the way to its hosts, how long things may take. */
import type { Clock } from '../clock.ts';
import type { ClusterFile, ClusterHost } from '../cluster/cluster-file.ts';
import { OperationError } from '../operation-error.ts';
import type { ScriptSection } from '../ssh/frames.ts';
import { shellWord } from '../ssh/quote.ts';
import type { RemoteAnswer, Transport } from '../ssh/transport.ts';
import { virshCommand } from '../telemetry/reading.ts';
import { commandLine } from './command-line.ts';
import type { OperationLimits } from './executor.ts';
import type { Operation } from './operation.ts';
import { quoted } from './vm-name.ts';

/** How long things may take, ms. */
export interface Timings {
  /** From one look to the next. */
  readonly pollMs: number;
  /** Until a setting reads back as it was set. */
  readonly settleMs: number;
  /** Until a guest has given memory up, or taken it. */
  readonly memoryMs: number;
  readonly startMs: number;
  /** Until a guest that was asked to has shut down; it is asked again every `askAgainMs`. */
  readonly stopMs: number;
  readonly askAgainMs: number;
  /** Until a host that was told to sleep answers no more. */
  readonly offMs: number;
  /** A migration whose remainder does not shrink for that long is called off. */
  readonly stallMs: number;
  /** After a migration, or its end by a lost connection, until it is known where the VM is. */
  readonly placeMs: number;
  /** A VM that is seen unmoved for that long after a connection was lost has not begun to move. */
  readonly stillMs: number;
}

export const defaultTimings: Timings = {
  pollMs: 500,
  settleMs: 5000,
  memoryMs: 60_000,
  startMs: 60_000,
  stopMs: 120_000,
  askAgainMs: 10_000,
  offMs: 120_000,
  stallMs: 60_000,
  placeMs: 120_000,
  stillMs: 5000,
};

/** How far a migration is. */
export interface MigrationProgress {
  readonly elapsedMs: number;
  readonly processedBytes?: number;
  readonly remainingBytes?: number;
  readonly bytesPerS?: number;
  /** Passes over the memory so far. */
  readonly iteration?: number;
}

export interface ExecutorOptions {
  readonly cluster: ClusterFile;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly timings?: Partial<Timings> | undefined;
  /** Called at every poll of a migration. */
  readonly onProgress?: ((operation: Operation, progress: MigrationProgress) => void) | undefined;
}

/** The options with everything filled in, and commands in the cluster's way. */
export class Site {
  readonly cluster: ClusterFile;
  readonly clock: Clock;
  readonly timings: Timings;
  readonly onProgress: (operation: Operation, progress: MigrationProgress) => void;
  readonly #transport: Transport;

  constructor(options: ExecutorOptions) {
    this.cluster = options.cluster;
    this.clock = options.clock;
    this.timings = { ...defaultTimings, ...options.timings };
    this.onProgress = options.onProgress ?? (() => {});
    this.#transport = options.transport;
  }

  /** @throws OperationError `ERR_REFUSED` for a host that the cluster file does not name. */
  host(name: string): ClusterHost {
    const found = this.cluster.hosts.find((host) => host.name === name);
    if (found === undefined) {
      throw refused(name, `the cluster file has no host ${quoted(name)}`);
    }
    return found;
  }

  /** Runs sections on a host of the cluster file. */
  async ask(
    host: string,
    sections: readonly ScriptSection[],
    { signal }: OperationLimits,
    timeoutMs: number = this.cluster.ssh.timeout,
  ): Promise<RemoteAnswer> {
    return await this.#transport.run(this.host(host).name, sections, { timeoutMs, signal });
  }

  /** `virsh` that may change something. */
  virsh(...words: readonly string[]): string {
    const { ssh, libvirt } = this.cluster;
    return commandLine([...(ssh.sudo ? ['sudo', '-n'] : []), 'virsh', '-c', libvirt.uri, ...words]);
  }

  /** `virsh` that cannot change anything, and gives up if libvirt hangs. */
  virshRead(...words: readonly string[]): string {
    return `exec 2>&1; ${virshCommand(this.cluster.libvirt.uri, commandLine(words))}`;
  }

  /** A script that runs as root. */
  root(script: string): string {
    return this.cluster.ssh.sudo ? `sudo -n sh -c ${shellWord(script)}` : script;
  }
}

export function refused(host: string, why: string): OperationError {
  return new OperationError('ERR_REFUSED', host, `${host}: ${why}`);
}

/** @throws OperationError `ERR_INTERRUPTED` once the signal has aborted. */
export function stopIfAborted(host: string, { signal }: OperationLimits): void {
  if (signal?.aborted === true)
    throw new OperationError('ERR_INTERRUPTED', host, `${host}: stopped`);
}
