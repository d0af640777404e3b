/**
 * OpenDC's replay once more, as plainly as possible: objects, full scans at every event, and demand as a
 * sorted list of changes per host. Independent of `sim/compat/opendc`, for comparison with it.
 */
import type { OpenDcWorkload } from '../../../sim/compat/opendc/index.ts';

export interface PlainHost {
  readonly cores: number;
  readonly mhz: number;
  readonly memoryMb: number;
}

export interface PlainResult {
  readonly energyJ: number;
  readonly carbonG: number;
  readonly endMs: number;
  readonly completed: number;
  /** Longest time that a task waited, ms. */
  readonly waitMaxMs: number;
  /** Most tasks that ran on one host at the same time. */
  readonly togetherMax: number;
}

/** Scaling `NoDelay`. @param gramsAt Carbon intensity by wall-clock step, g/kWh. */
export function replayPlainly(
  tasks: OpenDcWorkload,
  hosts: readonly PlainHost[],
  power: (u: number) => number,
  quantumMs = 1000,
  gramsAt: readonly (readonly [wallMs: number, gramsPerKwh: number])[] = [[0, 0]],
): PlainResult {
  const waiting = [...tasks.ids.keys()].filter(
    (task) => tasks.fragmentStart[task]! < tasks.fragmentStart[task + 1]!,
  );
  const origin = Math.min(...waiting.map((task) => tasks.submissionMs[task]!));
  const lengthOf = (task: number): number =>
    tasks.fragmentMs
      .subarray(tasks.fragmentStart[task], tasks.fragmentStart[task + 1])
      .reduce((sum, ms) => sum + ms, 0);
  const total = waiting.length;
  const state = hosts.map((host) => ({ ...host, running: [] as { task: number; end: number }[] }));
  const placed: { task: number; host: number; start: number }[] = [];
  let end = 0;
  let waitMaxMs = 0;
  let togetherMax = 0;
  let now = 0;
  while (waiting.length > 0) {
    // Only the first may go; when it cannot, the next end or its arrival is what to wait for.
    const task = waiting[0]!;
    now = Math.max(now, tasks.submissionMs[task]! - origin);
    now = Math.ceil(now / quantumMs) * quantumMs;
    for (const host of state) host.running = host.running.filter((run) => run.end > now);
    const free = state.map((host) => {
      const used = (of: Int32Array | Float64Array): number =>
        host.running.reduce((sum, run) => sum + of[run.task]!, 0);
      const memoryMb = host.memoryMb - used(tasks.memoryMb);
      const cores = host.cores - used(tasks.cpuCount);
      return cores >= tasks.cpuCount[task]! && memoryMb >= tasks.memoryMb[task]! ? memoryMb : -1;
    });
    const most = Math.max(...free);
    if (most < 0) {
      now = Math.min(...state.flatMap((host) => host.running.map((run) => run.end)));
      continue;
    }
    const host = free.indexOf(most);
    waiting.shift();
    placed.push({ task, host, start: now });
    state[host]!.running.push({ task, end: now + lengthOf(task) });
    togetherMax = Math.max(togetherMax, state[host]!.running.length);
    waitMaxMs = Math.max(waitMaxMs, now - (tasks.submissionMs[task]! - origin));
    end = Math.max(end, now + lengthOf(task));
  }

  let energy = 0;
  let carbon = 0;
  hosts.forEach((host, index) => {
    const changes: [ms: number, mhz: number][] = [[end, 0]];
    for (const { task, start } of placed.filter((run) => run.host === index)) {
      let ms = start;
      for (let at = tasks.fragmentStart[task]!; at < tasks.fragmentStart[task + 1]!; at++) {
        changes.push([ms, tasks.fragmentMhz[at]!]);
        ms += tasks.fragmentMs[at]!;
        changes.push([ms, -tasks.fragmentMhz[at]!]);
      }
    }
    for (const [wall] of gramsAt) changes.push([Math.min(end, Math.max(0, wall - origin)), 0]);
    changes.sort((a, b) => a[0] - b[0]);
    let last = 0;
    let demand = 0;
    for (const [ms, mhz] of changes) {
      const joules = power(Math.min(demand, host.mhz) / host.mhz) * ((ms - last) / 1000);
      energy += joules;
      const step = gramsAt.findLast(([wall]) => wall <= last + origin) ?? gramsAt[0]!;
      if (ms > last) carbon += (joules / 3.6e6) * step[1];
      last = ms;
      demand += mhz;
    }
  });
  return { energyJ: energy, carbonG: carbon, endMs: end, completed: total, waitMaxMs, togetherMax };
}

/** Scaling `Perfect`, one ms after the other. All tasks start at 0 on one host. */
export function sharePlainly(
  tasks: OpenDcWorkload,
  capacityMhz: number,
): { endMs: number; workMhzMs: number } {
  const running = [...tasks.ids.keys()].map((task) => ({
    task,
    at: tasks.fragmentStart[task]! - 1,
    left: 0,
    got: 0,
  }));
  let active = running;
  let workMhzMs = 0;
  for (let now = 0; ; now++) {
    for (let changed = true; changed; ) {
      changed = false;
      for (const run of [...active]) {
        if (run.left > 0 && run.left >= run.got) continue;
        // The fragment is over, or less than a ms of it is left, which is dropped.
        changed = true;
        run.at++;
        if (run.at === tasks.fragmentStart[run.task + 1])
          active = active.filter((other) => other !== run);
        else run.left = tasks.fragmentMs[run.at]! * tasks.fragmentMhz[run.at]!;
        run.got = 0;
      }
      fillEvenly(
        active.map((run) => tasks.fragmentMhz[run.at]!),
        capacityMhz,
      ).forEach((got, index) => {
        active[index]!.got = got;
      });
    }
    if (active.length === 0) return { endMs: now, workMhzMs };
    for (const run of active) {
      run.left -= run.got;
      workMhzMs += run.got;
    }
  }
}

/** Raises everyone's share together until the demands or the capacity are met. */
function fillEvenly(demands: readonly number[], capacity: number): number[] {
  const got = demands.map(() => 0);
  let left = capacity;
  for (;;) {
    const hungry = demands.flatMap((demand, index) => (got[index]! < demand ? [index] : []));
    if (hungry.length === 0 || left <= 0) return got;
    const raise = Math.min(
      left / hungry.length,
      ...hungry.map((index) => demands[index]! - got[index]!),
    );
    for (const index of hungry) got[index]! += raise;
    left -= raise * hungry.length;
  }
}
