/**
 * The fluid model of `sim/compat/simgrid` once more, straight from its formulas and as plainly as
 * possible: between two dates all rates are constant; at each date everything is computed anew.
 * Seconds, flop and bytes; no heap, no lists, no incremental state. It is the yardstick for the
 * engine and shares no code with it.
 */
import type { SimGridScenario } from '../../../sim/compat/simgrid/index.ts';
import {
  type EventSpec,
  fluidParts,
  type Host,
  type Migration,
  type Task,
  type Vm,
} from './fluid-parts.ts';
import { shareLinks, shares } from './fluid-shares.ts';

export interface FluidResult {
  readonly energyJ: Readonly<Record<string, number>>;
  readonly samples: readonly Readonly<Record<string, number>>[];
  readonly completion: Readonly<Record<string, number>>;
  readonly flops: Readonly<Record<string, number>>;
  readonly migrations: readonly { vm: string; dst: string; call: number; return: number }[];
  readonly pstates: readonly { t: number; host: string; pstate: number }[];
}

/** Two dates closer than this are one, s. */
const sameS = 1e-9;

export function simulateFluid(scenario: SimGridScenario): FluidResult {
  return new Fluid(scenario).run();
}

class Fluid {
  readonly #scenario: SimGridScenario;
  readonly #hosts: Host[];
  readonly #vms: Vm[];
  readonly #tasks: Task[];
  #migrations: Migration[] = [];
  #nowS = 0;
  readonly #samples: Record<string, number>[] = [];
  readonly #completion: Record<string, number> = {};
  readonly #finished: { vm: string; dst: string; call: number; return: number }[] = [];
  readonly #pstates: { t: number; host: string; pstate: number }[] = [];

  constructor(scenario: SimGridScenario) {
    this.#scenario = scenario;
    const { hosts, vms, tasks } = fluidParts(scenario);
    this.#hosts = hosts;
    this.#vms = vms;
    this.#tasks = tasks;
  }

  run(): FluidResult {
    const script = [
      ...this.#scenario.events.map((event) => ({ t: event.t, act: () => this.#event(event) })),
      ...this.#scenario.sample_times.map((t) => ({
        t,
        act: () => void this.#samples.push(this.#energies()),
      })),
    ].sort((a, b) => a.t - b.t);
    let next = 0;
    this.#settle();
    for (;;) {
      const scriptS = script[next]?.t ?? Infinity;
      const untilS = Math.min(this.#nextDate(), scriptS, this.#scenario.end);
      this.#pass(untilS);
      this.#settle();
      while (next < script.length && script[next]!.t <= this.#nowS) {
        script[next++]!.act();
        this.#settle();
      }
      if (this.#nowS >= this.#scenario.end) break;
    }
    return {
      energyJ: this.#energies(),
      samples: this.#samples,
      completion: this.#completion,
      flops: Object.fromEntries(
        this.#tasks
          .filter((task) => task.status !== 'waiting')
          .map((task) => [task.name, task.done]),
      ),
      migrations: this.#finished,
      pstates: this.#pstates,
    };
  }

  #hostNamed(name: string): Host {
    return this.#hosts.find((host) => host.spec.name === name)!;
  }

  #speed(host: Host): number {
    return host.on ? host.spec.pstates[host.pstate]!.speed : 0;
  }

  #energies(): Record<string, number> {
    return Object.fromEntries(this.#hosts.map((host) => [host.spec.name, host.energyJ]));
  }

  #power(host: Host): number {
    if (!host.on) return host.spec.watts_off;
    const pstate = host.spec.pstates[host.pstate]!;
    if (pstate.speed <= 0) return pstate.max;
    if (host.load === 0) return pstate.idle;
    const epsilon = pstate.epsilon ?? pstate.idle;
    const u = Math.min(1, host.load / pstate.speed / host.spec.cores);
    return epsilon + u * (pstate.max - epsilon);
  }

  #nextDate(): number {
    const dates = [
      ...this.#tasks.map((task) => {
        if (task.status === 'waiting') return task.startS;
        if (task.status === 'sleeping') return task.wakeS;
        if (task.status !== 'working' || task.endless || task.rate === 0) return Infinity;
        return this.#nowS + task.left / task.rate;
      }),
      ...this.#migrations.map((flow) =>
        flow.flowing ? this.#nowS + flow.bytes / flow.rate : flow.flowsS,
      ),
      ...this.#hosts.flatMap((host) => [host.sampleAt, host.switching?.endS ?? Infinity]),
    ];
    return Math.min(...dates.map((date) => Math.max(date, this.#nowS)));
  }

  /** Moves the clock; every meter follows its constant rate. */
  #pass(untilS: number): void {
    const elapsedS = untilS - this.#nowS;
    for (const host of this.#hosts) {
      host.energyJ += this.#power(host) * elapsedS;
      host.work += host.load * elapsedS;
      host.capacity += host.spec.cores * this.#speed(host) * elapsedS;
    }
    for (const task of this.#tasks) {
      if (task.status !== 'working') continue;
      task.left -= task.rate * elapsedS;
      task.done += task.rate * elapsedS;
      for (const flow of this.#migrations) {
        if (flow.vm === task.vm) flow.work += task.rate * elapsedS;
      }
    }
    for (const flow of this.#migrations) flow.bytes -= flow.rate * elapsedS;
    this.#nowS = untilS;
  }

  /** Does all that is due now and then sets the rates. */
  #settle(): void {
    for (let again = true; again; ) {
      this.#setRates();
      again = this.#tasks.map((task) => this.#taskDue(task)).some(Boolean);
      again = [...this.#migrations].map((flow) => this.#flowDue(flow)).some(Boolean) || again;
      this.#setRates();
      if (!again) again = this.#hosts.map((host) => this.#hostDue(host)).some(Boolean);
    }
  }

  #isDue(date: number): boolean {
    return date <= this.#nowS + sameS;
  }

  #taskDue(task: Task): boolean {
    if (task.status === 'waiting' && this.#isDue(task.startS)) {
      const gone = task.vm ? task.vm.status === 'gone' : !task.host!.on;
      if (gone) task.status = 'killed';
      else this.#beginPhase(task, 0);
      return true;
    }
    if (task.status === 'sleeping' && this.#isDue(task.wakeS)) {
      this.#beginPhase(task, task.phase + 1);
      return true;
    }
    const worked = task.status === 'working' && !task.endless;
    if (worked && (task.left <= 0 || task.left / task.rate <= sameS)) {
      this.#beginPhase(task, task.phase + 1);
      return true;
    }
    return false;
  }

  #beginPhase(task: Task, index: number): void {
    task.phase = index;
    task.rate = 0;
    const phase = task.phases[index];
    if (phase === undefined) {
      task.status = 'done';
      this.#completion[task.name] = this.#nowS;
    } else if (phase.flops !== undefined) {
      task.status = 'working';
      task.left = phase.flops * (phase.threads ?? 1);
    } else {
      task.status = 'sleeping';
      task.wakeS = phase.sleep === undefined ? phase.sleep_until! : this.#nowS + phase.sleep;
    }
  }

  #hostDue(host: Host): boolean {
    if (this.#isDue(host.sampleAt)) {
      this.#govern(host);
      return true;
    }
    if (host.switching && this.#isDue(host.switching.endS)) {
      const { type, back } = host.switching;
      host.switching = undefined;
      this.#setPstate(host, back);
      if (type === 'power_off') this.#turnOff(host);
      return true;
    }
    return false;
  }

  #govern(host: Host): void {
    const { name, sampling_rate } = host.spec.governor!;
    const busyCores = host.capacity > 0 ? (host.work / host.capacity) * host.spec.cores : 0;
    const last = host.spec.pstates.length - 1;
    host.work = 0;
    host.capacity = 0;
    host.sampleAt += sampling_rate;
    if (name === 'performance') this.#setPstate(host, 0);
    else if (name === 'powersave') this.#setPstate(host, last);
    else if (busyCores > 0.8)
      this.#setPstate(host, name === 'ondemand' ? 0 : Math.max(0, host.pstate - 1));
    else if (name === 'ondemand') this.#setPstate(host, last);
    else if (busyCores < 0.2) this.#setPstate(host, Math.min(last, host.pstate + 1));
  }

  #setPstate(host: Host, pstate: number): void {
    if (host.pstate === pstate) return;
    host.pstate = pstate;
    this.#pstates.push({ t: this.#nowS, host: host.spec.name, pstate });
  }

  #turnOff(host: Host): void {
    host.on = false;
    host.sampleAt = Infinity;
    for (const vm of this.#vms) if (vm.host === host) vm.status = 'gone';
    this.#migrations = this.#migrations.filter((flow) => {
      if (flow.vm.status !== 'gone' && flow.target !== host) return true;
      if (flow.vm.status === 'paused') flow.vm.status = 'running';
      return false;
    });
    for (const task of this.#tasks) {
      const active = task.status === 'working' || task.status === 'sleeping';
      if (active && (task.host === host || task.vm?.status === 'gone')) task.status = 'killed';
    }
  }

  #event(event: EventSpec): void {
    if (event.type === 'pstate') {
      this.#setPstate(this.#hostNamed(event.host), event.pstate);
    } else if (event.type === 'vm_bound') {
      const vm = this.#vms.find(({ spec }) => spec.name === event.vm)!;
      vm.bound = event.bound === 0 ? Infinity : event.bound;
    } else if (event.type === 'migrate') {
      this.#migrate(
        this.#vms.find(({ spec }) => spec.name === event.vm)!,
        this.#hostNamed(event.dst),
      );
    } else {
      this.#switch(this.#hostNamed(event.host), event.type);
    }
  }

  #switch(host: Host, type: 'power_on' | 'power_off'): void {
    if (host.switching || host.on === (type === 'power_on')) return;
    const shown = type === 'power_on' ? host.spec.boot : host.spec.shutdown;
    const endS = this.#nowS + (shown?.duration ?? 0);
    host.switching = { type, startS: this.#nowS, endS, back: host.pstate };
    host.on = true;
    if (shown) this.#setPstate(host, shown.pstate);
  }

  #migrate(vm: Vm, target: Host): void {
    const busy = this.#migrations.some((flow) => flow.vm === vm);
    if (vm.status !== 'running' || busy || vm.host === target || !target.on) return;
    const { links: all, routes, model } = this.#scenario.network!;
    const source = vm.host;
    const [a, b] = [source.spec.name, target.spec.name];
    const route =
      routes.find(({ src, dst }) => src === a && dst === b) ??
      routes.find(({ src, dst }) => src === b && dst === a);
    const links = route!.links;
    const onRoute = links.map((name) => all.find((link) => link.name === name)!);
    const latency = onRoute.reduce((sum, link) => sum + link.latency, 0);
    const tcp = model === 'LV08';
    const slowness = tcp ? onRoute.reduce((sum, link) => sum + 20537 / link.bandwidth, 0) : 0;
    const { speed, dp_intensity } = vm.spec.migration ?? { speed: 0, dp_intensity: 0 };
    const window = latency > 0 ? (4194304 / (2 * latency)) * (tcp ? 0.97 : 1) : Infinity;
    const flow: Migration = {
      vm,
      source,
      target,
      callS: this.#nowS,
      dirtyPerFlop: this.#speed(source) > 0 ? (speed * dp_intensity) / this.#speed(source) : 1,
      links,
      delayS: latency * (tcp ? 13.01 : 1),
      cap: Math.min(speed > 0 ? speed : Infinity, window),
      weight: latency > 0 ? 1 / (latency + slowness) : 1,
      stage: 1,
      left: vm.spec.ram_bytes,
      roundBytes: 0,
      roundStartS: 0,
      work: 0,
      flowsS: 0,
      flowing: false,
      bytes: 0,
      rate: 0,
    };
    this.#migrations.push(flow);
    this.#send(flow, vm.spec.ram_bytes);
  }

  #send(flow: Migration, bytes: number): void {
    Object.assign(flow, { roundBytes: bytes, roundStartS: this.#nowS, work: 0, bytes });
    Object.assign(flow, { flowing: false, rate: 0, flowsS: this.#nowS + flow.delayS });
  }

  #flowDue(flow: Migration): boolean {
    if (!this.#migrations.includes(flow)) return false;
    if (!flow.flowing && this.#isDue(flow.flowsS) && flow.bytes > 0) {
      flow.flowing = true;
      return true;
    }
    const arrived = flow.flowing
      ? flow.bytes <= 0 || flow.bytes / flow.rate <= sameS
      : this.#isDue(flow.flowsS);
    if (arrived) this.#arrived(flow);
    return arrived;
  }

  #arrived(flow: Migration): void {
    const { vm } = flow;
    if (flow.stage === 3) {
      this.#migrations = this.#migrations.filter((other) => other !== flow);
      vm.host = flow.target;
      vm.status = 'running';
      const dst = flow.target.spec.name;
      this.#finished.push({ vm: vm.spec.name, dst, call: flow.callS, return: this.#nowS });
      return;
    }
    const seconds = this.#nowS - flow.roundStartS;
    const workingSet = vm.spec.migration?.working_set ?? 0;
    const dirty = Math.min(Math.floor(flow.work * flow.dirtyPerFlop + 0.001), workingSet);
    flow.left += dirty - flow.roundBytes;
    const threshold =
      seconds > 0 ? Math.floor((flow.roundBytes / seconds) * 0.03 + 0.001) : Infinity;
    flow.stage = threshold < flow.left ? 2 : 3;
    if (flow.stage === 3) vm.status = 'paused';
    this.#send(flow, flow.stage === 2 ? dirty : flow.left);
  }

  #setRates(): void {
    for (const host of this.#hosts) this.#shareHost(host);
    shareLinks(this.#scenario.network, this.#migrations);
  }

  #working(of: (task: Task) => boolean): Task[] {
    return this.#tasks.filter((task) => task.status === 'working' && of(task));
  }

  #claim(task: Task, speed: number): { cap: number; weight: number } {
    const { threads = 1, bound = 0, priority = 1 } = task.phases[task.phase]!;
    if (threads > 1) return { cap: threads * speed, weight: threads };
    return { cap: bound > 0 ? Math.min(speed, bound) : speed, weight: priority };
  }

  #shareHost(host: Host): void {
    const speed = this.#speed(host);
    const direct = this.#working((task) => task.host === host);
    const vms = this.#vms.filter((vm) => vm.host === host && vm.status === 'running');
    const claims = [
      ...direct.map((task) => this.#claim(task, speed)),
      ...vms.map((vm) => {
        const threads = this.#working((task) => task.vm === vm)
          .map((task) => task.phases[task.phase]!.threads ?? 1)
          .reduce((sum, count) => sum + count, 0);
        const running = Math.min(threads, vm.spec.cores);
        return { cap: Math.min(running * speed, vm.bound), weight: running };
      }),
    ];
    const got = shares(claims, speed * host.spec.cores);
    host.load = got.reduce((sum, rate) => sum + rate, 0);
    direct.forEach((task, index) => {
      task.rate = got[index]!;
    });
    for (const vm of this.#vms) {
      if (vm.host !== host) continue;
      const inside = this.#working((task) => task.vm === vm);
      const at = vms.indexOf(vm);
      const capacity = at < 0 ? 0 : got[direct.length + at]!;
      const rates = shares(
        inside.map((task) => this.#claim(task, speed)),
        capacity,
      );
      inside.forEach((task, index) => {
        task.rate = rates[index]!;
      });
    }
  }
}
