/**
 * Scaling policy `Perfect`: a fragment is an amount of work, MHz·ms, and ends when it is done. A host's
 * capacity goes to its tasks by max-min fairness. Ends are cut to whole ms, as OpenDC's clock has
 * them, and what is then left of a fragment is dropped. A fragment without demand is no work and takes
 * no time.
 */
import type { Execution, RunningTask } from './execution.ts';
import type { Hosts } from './hosts.ts';
import type { Meter } from './meter.ts';
import type { OpenDcWorkload } from './workload.ts';

interface Running extends RunningTask {
  at: number;
  /** Work left of the fragment, MHz·ms. */
  left: number;
  suppliedMhz: number;
  endMs: number;
}

const none: readonly Running[] = [];

export function createPerfectExecution(
  tasks: OpenDcWorkload,
  hosts: Hosts,
  meter: Meter,
): Execution {
  const running: Running[][] = Array.from({ length: hosts.count }, () => []);
  const settledMs = new Float64Array(hosts.count);
  const nextByHost = createMinimumTree(hosts.count);

  /** Accounts for what the host did since its last change. */
  function settle(host: number, nowMs: number): void {
    let usedMhz = 0;
    for (const run of running[host]!) {
      usedMhz += run.suppliedMhz;
      run.left -= run.suppliedMhz * (nowMs - settledMs[host]!);
    }
    meter.add(host, settledMs[host]!, nowMs, Math.min(usedMhz, hosts.capacityMhz[host]!));
    settledMs[host] = nowMs;
  }

  /** Next fragments for tasks that are due, then everyone's share. Returns the tasks that end. */
  function share(host: number, nowMs: number): readonly Running[] {
    const [only, other] = running[host]!;
    if (only !== undefined && other === undefined) return shareAlone(host, only, nowMs);
    const ended: Running[] = [];
    for (const run of running[host]!) {
      if (run.endMs <= nowMs && !nextFragment(tasks, run)) ended.push(run);
    }
    if (ended.length > 0) running[host] = running[host]!.filter((run) => !ended.includes(run));
    shareFairly(tasks, running[host]!, hosts.capacityMhz[host]!, nowMs);
    nextByHost.set(host, Math.min(Infinity, ...running[host]!.map((run) => run.endMs)));
    return ended;
  }

  /** The same for a host with one task, which is the common case. */
  function shareAlone(host: number, run: Running, nowMs: number): readonly Running[] {
    if (run.endMs <= nowMs && !nextFragment(tasks, run)) {
      running[host] = [];
      nextByHost.set(host, Infinity);
      return [run];
    }
    run.suppliedMhz = Math.min(tasks.fragmentMhz[run.at]!, hosts.capacityMhz[host]!);
    run.endMs = nowMs + Math.max(0, Math.floor(run.left / run.suppliedMhz));
    nextByHost.set(host, run.endMs);
    return none;
  }

  return {
    nextMs: () => nextByHost.minimum(),

    advance(nowMs) {
      const ended: Running[] = [];
      while (nextByHost.minimum() <= nowMs) {
        const host = nextByHost.first();
        settle(host, nowMs);
        ended.push(...share(host, nowMs));
      }
      return ended;
    },

    start(task, host, nowMs) {
      settle(host, nowMs);
      const at = tasks.fragmentStart[task]! - 1;
      running[host]!.push({ task, host, at, left: 0, suppliedMhz: 0, endMs: nowMs });
      // Without work the task ends in the next `advance`, at the same time.
      nextByHost.set(host, nowMs);
    },

    stopHost(host, nowMs) {
      settle(host, nowMs);
      const victims = running[host]!.map((run) => run.task);
      running[host] = [];
      nextByHost.set(host, Infinity);
      return victims;
    },

    finish(endMs) {
      for (let host = 0; host < hosts.count; host++) settle(host, endMs);
    },
  };
}

/** Goes to the next fragment that is any work; false when there is none. */
function nextFragment(tasks: OpenDcWorkload, run: Running): boolean {
  const to = tasks.fragmentStart[run.task + 1]!;
  for (run.at++; run.at < to; run.at++) {
    run.left = tasks.fragmentMs[run.at]! * tasks.fragmentMhz[run.at]!;
    if (run.left >= 1) return true;
  }
  return false;
}

/** Max-min fair shares: the smallest demands first, each at most an even part of what is left. */
function shareFairly(
  tasks: OpenDcWorkload,
  runs: readonly Running[],
  capacityMhz: number,
  nowMs: number,
): void {
  const demand = (run: Running): number => tasks.fragmentMhz[run.at]!;
  const ascending = runs.length < 2 ? runs : [...runs].sort((a, b) => demand(a) - demand(b));
  let leftMhz = capacityMhz;
  let waiting = ascending.length;
  for (const run of ascending) {
    run.suppliedMhz = Math.min(demand(run), leftMhz / waiting);
    leftMhz -= run.suppliedMhz;
    waiting--;
    run.endMs = nowMs + Math.max(0, Math.floor(run.left / run.suppliedMhz));
  }
}

interface MinimumTree {
  set(index: number, value: number): void;
  minimum(): number;
  /** The first index that has the minimum. */
  first(): number;
}

/** Values by index with their minimum, in a complete binary tree; Infinity at first. */
function createMinimumTree(count: number): MinimumTree {
  let leaves = 1;
  while (leaves < count) leaves *= 2;
  const tree = new Float64Array(2 * leaves).fill(Infinity);
  return {
    set(index, value) {
      let node = leaves + index;
      tree[node] = value;
      for (node >>= 1; node >= 1; node >>= 1) {
        tree[node] = Math.min(tree[2 * node]!, tree[2 * node + 1]!);
      }
    },
    minimum: () => tree[1]!,
    first() {
      let node = 1;
      while (node < leaves) node = tree[2 * node]! <= tree[node]! ? 2 * node : 2 * node + 1;
      return node - leaves;
    },
  };
}
