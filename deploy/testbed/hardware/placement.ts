/**
 * On which emulated CPU the VMs' threads ran. The real kernel schedules them on real CPUs; this says
 * where they would have been on the emulated ones. Pure.
 *
 * A thread has a home, where it runs as long as nothing is gained by moving it; the busiest CPU gives a
 * thread to the idlest when that makes both more even, as the kernel's load balancing does.
 */

/** A vCPU or a VM's other threads. */
export interface ThreadPlace {
  /** Emulated CPUs it may run on; never empty. */
  readonly allowed: readonly number[];
  /** Where it runs; one of the allowed. */
  readonly home: number;
  /** CPUs' worth of work it did lately, in [0, 1]. */
  readonly load: number;
}

function loads(threads: readonly ThreadPlace[], cpus: number): number[] {
  const sums = new Array<number>(cpus).fill(0);
  for (const { home, load } of threads) sums[home]! += load;
  return sums;
}

/** A home for a new thread: the allowed CPU with the least load, then the fewest threads. */
export function chooseHome(
  threads: readonly ThreadPlace[],
  allowed: readonly number[],
  cpus: number,
): number {
  const sums = loads(threads, cpus);
  const counts = loads(
    threads.map((thread) => ({ ...thread, load: 1 })),
    cpus,
  );
  return allowed.reduce((best, cpu) => {
    const gain = sums[best]! - sums[cpu]!;
    return gain > 0 || (gain === 0 && counts[cpu]! < counts[best]!) ? cpu : best;
  });
}

/** Below this difference nothing is moved, so that noise moves nothing. */
const worthMoving = 0.1;

/** The one move that evens the loads most; `undefined` when none is worth it. */
export function balance(
  threads: readonly ThreadPlace[],
  cpus: number,
): { readonly thread: number; readonly home: number } | undefined {
  const sums = loads(threads, cpus);
  let best: { readonly thread: number; readonly home: number } | undefined;
  let bestGain = worthMoving;
  threads.forEach(({ allowed, home, load }, thread) => {
    for (const cpu of allowed) {
      // The higher of both CPUs falls from sums[home] to the higher of both afterwards.
      const gain = sums[home]! - Math.max(sums[home]! - load, sums[cpu]! + load);
      if (cpu !== home && gain > bestGain) {
        bestGain = gain;
        best = { thread, home: cpu };
      }
    }
  });
  return best;
}

/** CPU time that a thread used, s of a real core. */
export interface Usage extends ThreadPlace {
  readonly usedS: number;
}

/**
 * Lays used time on CPUs that had `freeS` each. A thread's time goes to its home; what finds no room there
 * waits for the next interval, since real cores are accounted in ticks and quotas in periods; and what is
 * more than `waitMaxS` goes to the emptiest CPU that the thread may use, as threads that crowd one CPU do.
 * A thread runs in one place at a time: its parts of the CPUs are one whole at most.
 *
 * @returns What each CPU was busy, and what each thread still has to be laid, at most `waitMaxS`: more
 * cannot have run on these CPUs and is dropped.
 */
export function layTime(
  threads: readonly Usage[],
  freeS: readonly number[],
  waitMaxS: number,
): { readonly busyS: readonly number[]; readonly leftS: readonly number[] } {
  const free = [...freeS];
  const leftS = threads.map(({ usedS }) => usedS);
  /** What each thread may still run of the interval. */
  const fractions = threads.map(() => 1);
  /** Lays up to `most` of a thread on a CPU. @returns Whether anything found room. */
  const lay = (thread: number, cpu: number, most: number): boolean => {
    const taken = Math.min(most, free[cpu]!, fractions[thread]! * freeS[cpu]!);
    if (!(taken > 0)) return false;
    free[cpu]! -= taken;
    leftS[thread]! -= taken;
    fractions[thread] = Math.max(0, fractions[thread]! - taken / freeS[cpu]!);
    return true;
  };
  threads.forEach(({ usedS, home }, thread) => {
    lay(thread, home, usedS);
  });
  // Those who have the fewest places to go choose first.
  const order = [...threads.keys()].sort(
    (a, b) => threads[a]!.allowed.length - threads[b]!.allowed.length || a - b,
  );
  for (const thread of order) {
    const emptiestFirst = threads[thread]!.allowed.toSorted((a, b) => free[b]! - free[a]! || a - b);
    for (const cpu of emptiestFirst) {
      if (leftS[thread]! <= waitMaxS || !lay(thread, cpu, leftS[thread]! - waitMaxS)) break;
    }
  }
  return {
    busyS: freeS.map((whole, cpu) => whole - free[cpu]!),
    leftS: leftS.map((left) => Math.min(left, waitMaxS)),
  };
}

/**
 * What each thread may use, in real cores: the speed of its home CPU; where it may only run on some of
 * the CPUs, no more than others of these leave it. What others count for is what they used lately, at
 * most an equal share, so nobody is held below an equal share, and who is alone gets all.
 *
 * @param threads With the real cores that each used lately.
 * @param capacity Real cores that each emulated CPU is at its present frequency.
 */
export function threadLimits(
  threads: readonly (ThreadPlace & { readonly cores: number })[],
  capacity: readonly number[],
): number[] {
  return threads.map((thread, index) => {
    const alone = capacity[thread.home]!;
    if (thread.allowed.length === capacity.length) return alone;
    const isInside = ({ allowed }: ThreadPlace): boolean =>
      allowed.every((cpu) => thread.allowed.includes(cpu));
    const whole = thread.allowed.reduce((sum, cpu) => sum + capacity[cpu]!, 0);
    const rivals = [...threads.keys()].filter((other) => isInside(threads[other]!));
    const equalShare = whole / rivals.length;
    const taken = rivals
      .filter((other) => other !== index)
      .reduce((sum, other) => sum + Math.min(threads[other]!.cores, equalShare), 0);
    return Math.min(alone, whole - taken);
  });
}
