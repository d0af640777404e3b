/**
 * Failures of hosts from a trace: after an interval, a share of the hosts fails for a while; the next
 * interval begins when they are back. A failed host draws idle power and loses its tasks' unsaved
 * work.
 */
import { inputError } from '../../errors.ts';
import { RandomStream } from '../../numbers/rng.ts';

export interface OpenDcFailure {
  /** Time since the end of the failure before, or since the start, ms. */
  readonly intervalMs: number;
  readonly durationMs: number;
  /** Share of the hosts that fail, in (0, 1]; at least one host does. */
  readonly intensity: number;
}

export interface OpenDcFailures {
  readonly trace: readonly OpenDcFailure[];
  /** Share of the trace that is skipped at first, in [0, 1); default 0. */
  readonly startPoint?: number;
  /** Whether the trace goes on from its beginning after its end; default true, as in OpenDC. */
  readonly repeat?: boolean;
  /** Decides which hosts fail where not all do; default 0. */
  readonly seed?: number;
}

/** The failures of a simulation, one after the other. */
export interface FailureSource {
  /** Time of the next failure or recovery, ms; Infinity when none is left. */
  nextMs(): number;
  /** Hosts that fail or recover at that time, and which of the two. */
  take(): { readonly hosts: readonly number[]; readonly fail: boolean };
}

/** @throws InputError when a row is impossible. */
export function createFailureSource(
  failures: OpenDcFailures | undefined,
  hosts: number,
): FailureSource {
  const { trace = [], startPoint = 0, repeat = true, seed = 0 } = failures ?? {};
  for (const [index, row] of trace.entries()) checkFailure(row, `failures.trace[${index}]`);
  if (!(startPoint >= 0 && startPoint < 1)) {
    throw inputError('failures.startPoint', 'a share from 0 to below 1', String(startPoint));
  }
  if (repeat && trace.length > 0 && trace.every((row) => row.intervalMs + row.durationMs === 0)) {
    throw inputError('failures.trace', 'a row that takes time', 'none');
  }
  const random = new RandomStream(seed, 'opendc/failures');
  let row = Math.floor(startPoint * trace.length);
  let down: readonly number[] = [];
  let dueMs = trace[row]?.intervalMs ?? Infinity;

  return {
    nextMs: () => dueMs,
    take() {
      const { durationMs, intensity } = trace[row]!;
      if (down.length === 0) {
        down = chooseHosts(random, hosts, intensity);
        dueMs += durationMs;
        return { hosts: down, fail: true };
      }
      const up = down;
      down = [];
      row++;
      if (row === trace.length && repeat) row = 0;
      dueMs += trace[row]?.intervalMs ?? Infinity;
      return { hosts: up, fail: false };
    },
  };
}

function checkFailure({ intervalMs, durationMs, intensity }: OpenDcFailure, path: string): void {
  if (intervalMs >= 0 && durationMs >= 0 && intensity > 0 && intensity <= 1) return;
  const got = `${intervalMs} ms, ${durationMs} ms, ${intensity}`;
  throw inputError(path, 'an interval, a duration and an intensity in (0, 1]', got);
}

/** The share of the hosts, rounded but at least one, without repetition; rising. */
function chooseHosts(random: RandomStream, hosts: number, intensity: number): number[] {
  const all = Array.from({ length: hosts }, (_, host) => host);
  const count = Math.max(1, Math.round(hosts * intensity));
  for (let index = 0; index < count && count < hosts; index++) {
    const other = index + random.integer(hosts - index);
    [all[index], all[other]] = [all[other]!, all[index]!];
  }
  return all.slice(0, count).sort((a, b) => a - b);
}
