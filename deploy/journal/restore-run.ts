/** One restore under way: what has been found out, and how each kind of goal is reached. */
import type { Executor } from '../actions/executor.ts';
import { hostsOf, type Operation } from '../actions/operation.ts';
import type { Clock } from '../clock.ts';
import { OperationError } from '../operation-error.ts';
import type { IntentState } from './journal-index.ts';
import type { Entry } from './record.ts';
import { type Goal, hostsOfVms, type SleepHost, type VmBefore } from './restore-goals.ts';
import {
  describeGoal,
  type GoalState,
  type RestoredGoal,
  type RestoreStep,
} from './restore-report.ts';
import type { VmFinder, VmPlace, VmPlaces } from './vm-places.ts';

export interface RestoreOptions {
  readonly journal: { toUndo(): IntentState[]; append(entry: Entry): number };
  readonly executor: Executor;
  readonly finder: VmFinder;
  readonly clock: Clock;
  /** Do it. Else only look, and say what would be done; nothing is written. */
  readonly execute: boolean;
  /** Leave VMs on the hosts on which they are. */
  readonly keepPlacement?: boolean;
  /** Ends it after the operation under way. */
  readonly signal?: AbortSignal | undefined;
  /** How long a VM that something else is being done to is waited for, ms. */
  readonly patienceMs?: number;
  readonly onStep?: (step: RestoreStep) => void;
}

const defaultPatienceMs = 600_000;
const askAgainMs = 2000;

/** Reaches goals one after the other. */
export class Restore {
  readonly #options: RestoreOptions;
  #places: VmPlaces | undefined;
  /** Where VMs would be: what a dry run has not done it cannot look at. */
  readonly #wouldBe = new Map<string, VmPlace>();
  readonly #wouldWake = new Set<string>();
  readonly #hostsOfVms: ReadonlyMap<string, ReadonlySet<string>>;
  readonly #failedVms = new Set<string>();
  readonly #failedHosts = new Set<string>();

  /** Hosts that will be put to sleep, and how. */
  readonly #sleeps: ReadonlyMap<string, SleepHost>;

  constructor(options: RestoreOptions, intents: readonly IntentState[], goals: readonly Goal[]) {
    this.#options = options;
    this.#hostsOfVms = hostsOfVms(intents);
    this.#sleeps = new Map(
      goals.flatMap((goal) => (goal.kind === 'sleep' ? [[goal.host, goal.operation]] : [])),
    );
  }

  async reach(goal: Goal): Promise<RestoredGoal> {
    const what = describeGoal(goal);
    const { kind } = goal;
    if (this.#options.signal?.aborted === true) return { what, kind, state: 'stopped', steps: [] };
    const steps: RestoreStep[] = [];
    try {
      const verdict = await this.#try(goal, steps);
      const state = verdict?.state ?? stateOf(steps);
      return { what, kind, state, steps, ...(verdict === undefined ? {} : { note: verdict.note }) };
    } catch (error) {
      if (!(error instanceof OperationError) || error.code === 'ERR_JOURNAL') throw error;
      if (goal.kind === 'place') this.#failedVms.add(goal.before.vm);
      if (goal.kind === 'cpufreq') this.#failedHosts.add(goal.host);
      const state = error.code === 'ERR_INTERRUPTED' ? 'stopped' : 'failed';
      return { what, kind, state, steps, note: `${error.code}: ${error.message}` };
    }
  }

  /** @returns What is to be said where it is not what the steps say. */
  async #try(goal: Goal, steps: RestoreStep[]): Promise<Verdict | undefined> {
    switch (goal.kind) {
      case 'wake':
        await this.#do(goal.operation, steps);
        if (steps.some(({ state }) => state === 'would')) this.#wouldWake.add(goal.host);
        // VMs there could not be seen before.
        this.#places = undefined;
        return undefined;
      case 'place':
        return await this.#place(goal.before, steps);
      case 'setting':
        return await this.#set(goal.vm, goal.operation, steps);
      case 'stop':
        return await this.#stop(goal.before, steps);
      case 'cpufreq':
        return await this.#setCpufreq(goal.host, goal.operations, steps);
      case 'sleep':
        return await this.#sleep(goal.host, goal.operation, steps);
    }
  }

  async #place(before: VmBefore, steps: RestoreStep[]): Promise<Verdict | undefined> {
    const { vm, host, isRunning, way } = before;
    const { keepPlacement = false } = this.#options;
    const places = await this.#placesOf(vm);
    if (places.length === 0) return gone(vm);
    const active = places.find(({ state }) => state !== 'off');
    if (active === undefined) {
      const from = places.find((place) => place.host === host) ?? places[0]!;
      // One that was moved, stopped, and was off at first: only running does it come back.
      const isAstray = from.host !== host && way !== undefined && !keepPlacement;
      if (!isRunning && !isAstray) return undefined;
      await this.#do({ type: 'startVm', vm, host: from.host }, steps);
      this.#moved(vm, from.host, 'running');
      if (from.host !== host && !keepPlacement) await this.#move(before, from.host, steps);
      return undefined;
    }
    if (active.host === host) {
      if (await this.#hasArrived(before)) return undefined;
      this.#places = undefined;
      return await this.#place(before, steps);
    }
    if (keepPlacement) {
      // Of one that is to be off, where it is off is what is kept.
      return isRunning ? { state: 'kept', note: `it stays on ${active.host}` } : undefined;
    }
    // One that was off and was never moved is stopped where it is.
    if (!isRunning && way === undefined) return undefined;
    await this.#move(before, active.host, steps);
    return undefined;
  }

  /** @throws OperationError when it does not get there. */
  async #move({ vm, host, way }: VmBefore, from: string, steps: RestoreStep[]): Promise<void> {
    if (way === undefined) {
      // It was stopped in one place and started in another; so it goes back.
      await this.#do({ type: 'stopVm', vm, host: from }, steps);
      await this.#do({ type: 'startVm', vm, host }, steps, true);
    } else {
      await this.#do({ type: 'migrate', vm, from, to: host, ...way }, steps);
    }
    this.#moved(vm, host, 'running');
  }

  /**
   * A migration that a killed controller began may still be under way, with the VM not yet gone.
   *
   * @returns Whether it still is where it was, now that nothing is being done to it.
   */
  async #hasArrived({ vm, host, way, lastHost }: VmBefore): Promise<boolean> {
    const { execute, executor } = this.#options;
    if (!execute || way === undefined || lastHost === undefined || lastHost === host) return true;
    const back: Operation = { type: 'migrate', vm, from: lastHost, to: host, ...way };
    try {
      return (await this.#patiently(() => executor.prepare(back, this.#limits))).isDone;
    } catch (error) {
      const isAway = error instanceof OperationError && error.code === 'ERR_UNREACHABLE';
      if (isAway && error.host === lastHost) return true;
      throw error;
    }
  }

  async #set(
    vm: string,
    operation: Operation & { readonly host: string },
    steps: RestoreStep[],
  ): Promise<Verdict | undefined> {
    this.#checkPlaced(vm, operation.host);
    const places = await this.#placesOf(vm);
    if (places.length === 0) return gone(vm);
    const active = places.find(({ state }) => state !== 'off');
    if (active === undefined) {
      return { state: 'gone', note: `${vm} is off; what was set while it ran ended with that` };
    }
    await this.#do({ ...operation, host: active.host } as Operation, steps, this.#wouldBe.has(vm));
    return undefined;
  }

  #checkPlaced(vm: string, host: string): void {
    if (!this.#failedVms.has(vm)) return;
    throw new OperationError('ERR_VM_UNKNOWN', host, `${vm} could not be brought back`);
  }

  async #stop({ vm, host, force }: VmBefore, steps: RestoreStep[]): Promise<Verdict | undefined> {
    // Off, it could not be moved any more.
    this.#checkPlaced(vm, host);
    const places = await this.#placesOf(vm);
    if (places.length === 0) return gone(vm);
    for (const place of places) {
      if (place.state === 'off') continue;
      const at = { vm, host: place.host };
      const stop: Operation = { type: 'stopVm', ...at, ...(force ? { force } : {}) };
      await this.#do(stop, steps, this.#wouldBe.has(vm));
      this.#moved(vm, place.host, 'off');
    }
    return undefined;
  }

  async #setCpufreq(
    host: string,
    operations: readonly Operation[],
    steps: RestoreStep[],
  ): Promise<Verdict | undefined> {
    for (const operation of operations) {
      try {
        await this.#do(operation, steps);
      } catch (error) {
        const isAway = error instanceof OperationError && error.code === 'ERR_UNREACHABLE';
        const sleep = this.#sleeps.get(host);
        if (!isAway || sleep === undefined) throw error;
        steps.pop();
        if (sleep.to === 'S5') {
          return {
            state: 'gone',
            note: `${host} is off; what was set while it was on ended with that`,
          };
        }
        await this.#do({ type: 'wakeHost', host }, steps);
        await this.#do(operation, steps, true);
      }
    }
    return undefined;
  }

  async #sleep(
    host: string,
    operation: Operation,
    steps: RestoreStep[],
  ): Promise<Verdict | undefined> {
    // Asleep, it could not be asked about what is not back.
    const why = this.#failedHosts.has(host)
      ? 'its cpufreq settings are'
      : [...this.#failedVms].find((vm) => this.#hostsOfVms.get(vm)?.has(host))?.concat(' is');
    if (why !== undefined) {
      const message = `${host} is left on: ${why} not back`;
      throw new OperationError('ERR_REFUSED', host, message);
    }
    if (this.#options.keepPlacement) {
      const { places } = await this.#find();
      const vms = [...places].filter(([, all]) =>
        all.some((place) => place.host === host && place.state !== 'off'),
      );
      if (vms.length > 0)
        return { state: 'kept', note: `it stays on: ${vms.length} VM(s) run there` };
    }
    // In a dry run the VMs that would leave are still there.
    await this.#do(operation, steps, this.#wouldBe.size > 0);
    return undefined;
  }

  /**
   * Carries out, unless it is so already.
   *
   * @param isUnseen In a dry run: what it starts from is not there yet, so nothing is looked at.
   */
  async #do(operation: Operation, steps: RestoreStep[], isUnseen = false): Promise<void> {
    const { execute, executor, onStep } = this.#options;
    const add = (step: RestoreStep): void => {
      steps.push(step);
      onStep?.(step);
    };
    const needsWaking = hostsOf(operation).some((host) => this.#wouldWake.has(host));
    if (!execute && (isUnseen || needsWaking)) {
      add({ operation, state: 'would' });
      return;
    }
    try {
      const prepared = await this.#patiently(() => executor.prepare(operation, this.#limits));
      if (prepared.isDone) add({ operation, state: 'already' });
      else if (!execute) add({ operation, state: 'would' });
      else {
        const effect = await this.#patiently(() => executor.apply(prepared, this.#limits));
        add({ operation, state: effect.didChange ? 'done' : 'already', effect });
      }
    } catch (error) {
      if (!(error instanceof OperationError)) throw error;
      const { code, message } = error;
      add({ operation, state: 'failed', error: { code, message } });
      throw error;
    }
  }

  get #limits(): { signal: AbortSignal | undefined } {
    return { signal: this.#options.signal };
  }

  /** Waits for what is under way to end; asked to look only, it does not. */
  async #patiently<T>(work: () => Promise<T>): Promise<T> {
    const { clock, execute, patienceMs = defaultPatienceMs, signal } = this.#options;
    const untilMs = clock.monotonicMs() + patienceMs;
    for (;;) {
      try {
        return await work();
      } catch (error) {
        const isBusy = error instanceof OperationError && error.code === 'ERR_BUSY';
        const isOver = !execute || signal?.aborted === true || clock.monotonicMs() >= untilMs;
        if (!isBusy || isOver) throw error;
        await clock.sleep(askAgainMs, signal);
      }
    }
  }

  async #find(): Promise<VmPlaces> {
    this.#places ??= await this.#options.finder.find(this.#limits);
    return this.#places;
  }

  /**
   * Where a VM is, running places first; nowhere if it is gone.
   *
   * @throws OperationError when that cannot be said.
   */
  async #placesOf(vm: string): Promise<readonly VmPlace[]> {
    const would = this.#wouldBe.get(vm);
    if (would !== undefined) return [would];
    const { places, unanswered } = await this.#find();
    const all = places.get(vm) ?? [];
    const running = all.filter(({ state }) => state === 'running');
    if (running.length > 1) {
      const hosts = running.map(({ host }) => host).join(' and ');
      throw new OperationError('ERR_VM_TWICE', running[0]!.host, `${vm} runs on ${hosts}`);
    }
    const known = unanswered.filter((host) => this.#hostsOfVms.get(vm)?.has(host));
    if (all.length === 0 && known.length > 0) {
      const lost = known.find((host) => !this.#sleeps.has(host));
      if (lost === undefined) return await this.#wakeToLook(vm, known);
      const message = `${vm} is nowhere that can be seen, and ${lost} cannot be asked`;
      throw new OperationError('ERR_VM_UNKNOWN', lost, message);
    }
    const rank = { running: 0, paused: 1, off: 2 } as const;
    return all.toSorted((a, b) => rank[a.state] - rank[b.state]);
  }

  /** A VM that is off may be known only to a host that was put to sleep since. */
  async #wakeToLook(vm: string, hosts: readonly string[]): Promise<readonly VmPlace[]> {
    if (!this.#options.execute) {
      for (const host of hosts) this.#wouldWake.add(host);
      return hosts.map((host) => ({ host, state: 'off' }));
    }
    for (const host of hosts) await this.#do({ type: 'wakeHost', host }, []);
    this.#places = undefined;
    return await this.#placesOf(vm);
  }

  #moved(vm: string, host: string, state: VmPlace['state']): void {
    if (this.#options.execute) this.#places = undefined;
    else this.#wouldBe.set(vm, { host, state });
  }
}

interface Verdict {
  readonly state: GoalState;
  readonly note: string;
}

const gone = (vm: string): Verdict => ({ state: 'gone', note: `${vm} is on no host any more` });

function stateOf(steps: readonly RestoreStep[]): GoalState {
  if (steps.some(({ state }) => state === 'would')) return 'would';
  return steps.some(({ state }) => state === 'done') ? 'restored' : 'already';
}
