/** The threads of the VMs, by their control groups: what they used and on which emulated CPU they are. */
import type { CgroupLayout, UsageCounter } from './cgroup-layout.ts';
import { balance, chooseHome, type ThreadPlace, type Usage } from './placement.ts';

interface Thread extends ThreadPlace {
  readonly vm: string;
  readonly group: string;
  /** The VM's group itself stands for the threads that are no vCPU. */
  readonly isVcpu: boolean;
  allowed: readonly number[];
  home: number;
  load: number;
  readonly counter: UsageCounter;
  /** What the counter said at the last look, s. */
  counterS: number;
  /** Used and not yet laid on a CPU, s. */
  pendingS: number;
  /** Used since the last tick, s. */
  sinceTickS: number;
  /** Real cores that it used in the last tick. */
  cores: number;
}

/** Of the last tick in a thread's load. */
const loadWeight = 0.5;

/** Threads of all VMs of a host. */
export class VmThreads {
  readonly #cgroups: CgroupLayout;
  readonly #machine: string;
  readonly #cpus: number;
  readonly #all: readonly number[];
  #threads: Thread[] = [];
  #vmCount = -1;
  #isFirst = true;

  constructor(cgroups: CgroupLayout, machine: string, cpus: number) {
    this.#cgroups = cgroups;
    this.#machine = machine;
    this.#cpus = cpus;
    this.#all = Array.from({ length: cpus }, (_, cpu) => cpu);
  }

  get threads(): readonly (ThreadPlace & {
    readonly vm: string;
    readonly isVcpu: boolean;
    readonly cores: number;
  })[] {
    return this.#threads;
  }

  /** Finds VMs and vCPUs that came or went, and where each may run. */
  scan(): void {
    const machineCpus = this.#cgroups.realCpus(this.#machine);
    const before = new Map(this.#threads.map((thread) => [thread.group, thread]));
    this.#threads = [];
    this.#vmCount = this.#cgroups.childCount(this.#machine);
    for (const name of this.#cgroups.children(this.#machine)) {
      const vm = `${this.#machine}/${name}`;
      const vcpus = this.#vcpuGroups(vm);
      for (const group of [...vcpus, vm]) {
        const allowed = this.#allowed(group, machineCpus);
        const known = before.get(group);
        if (known !== undefined) {
          known.allowed = allowed;
          if (!allowed.includes(known.home)) {
            known.home = chooseHome(this.#threads, allowed, this.#cpus);
          }
          this.#threads.push(known);
          before.delete(group);
          continue;
        }
        // A group that came after the start began at 0 then.
        const counter = this.#cgroups.openUsage(group);
        const counterS = this.#isFirst ? (counter.usedS() ?? 0) : 0;
        this.#threads.push({
          vm,
          group,
          isVcpu: group !== vm,
          allowed,
          home: chooseHome(this.#threads, allowed, this.#cpus),
          load: 0,
          counter,
          counterS,
          pendingS: 0,
          sinceTickS: 0,
          cores: 0,
        });
      }
    }
    for (const { counter } of before.values()) counter.close();
    this.#isFirst = false;
  }

  /** Whether VMs came or went since the last scan, as far as their number shows. */
  get isStale(): boolean {
    return this.#cgroups.childCount(this.#machine) !== this.#vmCount;
  }

  /** What each thread used and is not yet laid on a CPU. */
  collect(): Usage[] {
    // A VM before its vCPUs, so that what they do meanwhile is not taken for its other threads'.
    const counters = this.#threads.toReversed().map(({ counter }) => counter.usedS());
    const byVcpus = new Map<string, number>();
    return this.#threads.map((thread, index) => {
      const now = counters[counters.length - 1 - index];
      let usedS = now === undefined ? 0 : Math.max(0, now - thread.counterS);
      if (now !== undefined) thread.counterS = now;
      if (thread.isVcpu) byVcpus.set(thread.vm, (byVcpus.get(thread.vm) ?? 0) + usedS);
      else {
        // The VM's counter holds its vCPUs' too; what it did not hold yet it will at the next look.
        const restS = usedS - (byVcpus.get(thread.vm) ?? 0);
        if (restS < 0) thread.counterS -= restS;
        usedS = Math.max(0, restS);
      }
      thread.sinceTickS += usedS;
      thread.pendingS += usedS;
      const { allowed, home, load, pendingS } = thread;
      return { allowed, home, load, usedS: pendingS };
    });
  }

  /** @param leftS What was not laid on a CPU yet, by thread, s. */
  keep(leftS: readonly number[]): void {
    this.#threads.forEach((thread, index) => {
      thread.pendingS = leftS[index]!;
    });
  }

  /**
   * Ends a tick: loads follow what was used, and one thread may move.
   *
   * @param capacity Real cores of each emulated CPU. @param elapsedS Of the tick.
   */
  endTick(capacity: readonly number[], elapsedS: number): void {
    for (const thread of this.#threads) {
      thread.cores = thread.sinceTickS / elapsedS;
      const now = Math.min(1, thread.cores / capacity[thread.home]!);
      thread.load += (now - thread.load) * loadWeight;
      thread.sinceTickS = 0;
    }
    const move = balance(this.#threads, this.#cpus);
    if (move !== undefined) this.#threads[move.thread]!.home = move.home;
  }

  #vcpuGroups(vm: string): string[] {
    const vcpusOf = (group: string): string[] =>
      this.#cgroups
        .children(group)
        .filter((name) => /^vcpu\d+$/.test(name))
        .map((name) => `${group}/${name}`);
    const own = vcpusOf(vm);
    // Where systemd owns the VM's group, libvirt's are one below.
    return own.length > 0 ? own : vcpusOf(`${vm}/libvirt`);
  }

  /** Pinned: those of its real CPUs that exist here by number; else all. */
  #allowed(group: string, machineCpus: readonly number[] | undefined): readonly number[] {
    const real = this.#cgroups.realCpus(group);
    if (real === undefined || real.length === (machineCpus ?? []).length) return this.#all;
    const emulated = real.filter((cpu) => cpu < this.#cpus);
    return emulated.length === 0 || emulated.length === this.#cpus ? this.#all : emulated;
  }
}
