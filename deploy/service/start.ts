/** The service as a process runs it: worker threads, a port, and an end in good order. */
import { join } from 'node:path';
import { type Clock, systemClock } from '../clock.ts';
import type { KnownCluster } from './attached-cluster.ts';
import type { WorkerComputerOptions } from './compute/worker-computer.ts';
import type { ServiceOptions } from './service.ts';

export interface StartOptions
  extends Pick<ServiceOptions, 'host' | 'version' | 'bodyMaxBytes' | 'requestsPerS' | 'log'> {
  /** 0: any that is free. */
  readonly port: number;
  readonly token?: string | undefined;
  /** Where plans are kept; without it they are gone with the process. */
  readonly stateDirectory?: string | undefined;
  /** Directory of the journal of a cluster to be attached to. */
  readonly journal?: string | undefined;
  /** What the file of that cluster says, where it is known. */
  readonly cluster?: KnownCluster | undefined;
  readonly workers: Omit<WorkerComputerOptions, 'queueMax' | 'heapMib'>;
  readonly clock?: Clock;
}

export interface RunningService {
  /** `http://127.0.0.1:8484` */
  readonly address: string;
  /** Takes no more requests and ends those under way, by force after `limitMs`. */
  close(limitMs: number): Promise<void>;
}

const queueMax = 64;
const heapMib = 1024;

/**
 * Starts the service. Its parts are loaded here and not before: other commands need no HTTP.
 *
 * @throws Error with `code` of the system when the address cannot be listened on.
 */
export async function startService(options: StartOptions): Promise<RunningService> {
  const { host, port, token, journal, cluster, stateDirectory, clock = systemClock } = options;
  const [{ createService }, { computerInWorkers }, plans, { AttachedCluster }] = await Promise.all([
    import('./service.ts'),
    import('./compute/worker-computer.ts'),
    import('./plan-store.ts'),
    import('./attached-cluster.ts'),
  ]);
  const { bodyMaxBytes, requestsPerS, log } = options;
  const service = await createService({
    host,
    version: options.version,
    clock,
    computer: computerInWorkers({ ...options.workers, queueMax, heapMib }),
    plans:
      stateDirectory === undefined
        ? plans.plansInMemory(clock)
        : plans.plansInFiles(join(stateDirectory, 'plans'), clock),
    dashboard: journal !== undefined,
    ...(journal === undefined ? {} : { cluster: new AttachedCluster(journal, clock, cluster) }),
    ...(token === undefined ? {} : { token }),
    ...(bodyMaxBytes === undefined ? {} : { bodyMaxBytes }),
    ...(requestsPerS === undefined ? {} : { requestsPerS }),
    ...(log === undefined ? {} : { log }),
  });
  let address: string;
  try {
    address = await service.listen({ host, port });
  } catch (error) {
    await service.close();
    throw error;
  }
  return {
    address,
    async close(limitMs) {
      const isLate = new AbortController();
      const closing = service.close().finally(() => isLate.abort());
      await clock.sleep(limitMs, isLate.signal);
      if (!isLate.signal.aborted) service.server.closeAllConnections();
      await closing;
    },
  };
}
