/** The work of the load client, between its input and its output. */
import type { Clock } from '../../clock.ts';
import { OperationError } from '../../operation-error.ts';
import type { ClientEvent, ClientJob, YcsbJob } from './client-messages.ts';
import { runLoad } from './run-load.ts';
import { runYcsb } from './ycsb/run-ycsb.ts';
import { workloads } from './ycsb/workloads.ts';

export interface Surroundings {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly say: (event: ClientEvent) => void;
  /** CPU time of this process so far, µs. */
  readonly cpuUs: () => number;
}

/** Does a job; failures of the world are an event. Its errors are bugs. */
export async function serveJob(job: ClientJob, surroundings: Surroundings): Promise<void> {
  try {
    if (job.type === 'ycsb') await serveYcsb(job.job, surroundings);
    else await serveShifting(job, surroundings);
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    const { code, host, message } = error;
    surroundings.say({ type: 'failed', code, host, message });
  }
}

async function serveYcsb(job: YcsbJob, surroundings: Surroundings): Promise<void> {
  const { clock, signal, say } = surroundings;
  const cpu = cpuMeter(surroundings);
  let isFirst = true;
  const { loaded, report } = await runYcsb({
    ...job,
    workload: workloads[job.workload],
    steps: [{ startMs: 0, endMs: job.durationS * 1000, perS: job.perS }],
    clock,
    signal,
    onSecond: (point) => {
      // The load phase is not what is measured.
      if (isFirst) cpu.restart();
      isFirst = false;
      say({ type: 'second', point });
    },
  });
  if (loaded !== undefined) say({ type: 'loaded', loaded });
  const client = { cpuFraction: cpu.fraction() };
  say({ type: 'ycsb-end', client, ...(report === undefined ? {} : { report }) });
}

async function serveShifting(
  { job }: Extract<ClientJob, { type: 'shifting' }>,
  surroundings: Surroundings,
): Promise<void> {
  const { clock, signal, say } = surroundings;
  const cpu = cpuMeter(surroundings);
  const figures = await runLoad({
    ...job,
    clock,
    signal,
    onNote: (text) => say({ type: 'note', text }),
    onPlan: (plan, startWallMs) => {
      cpu.restart();
      say({ type: 'plan', plan, startWallMs });
    },
    onLine: (line) => say({ type: 'line', line }),
  });
  say({ type: 'shifting-end', client: { ...figures, cpuFraction: cpu.fraction() } });
}

/** CPU time over time since the last restart. */
function cpuMeter({ clock, cpuUs }: Surroundings): {
  restart(): void;
  fraction(): number;
} {
  let atMs = clock.monotonicMs();
  let usedUs = cpuUs();
  return {
    restart: () => {
      atMs = clock.monotonicMs();
      usedUs = cpuUs();
    },
    fraction: () => {
      const elapsedMs = clock.monotonicMs() - atMs;
      return elapsedMs > 0 ? Number(((cpuUs() - usedUs) / 1000 / elapsedMs).toFixed(4)) : 0;
    },
  };
}
