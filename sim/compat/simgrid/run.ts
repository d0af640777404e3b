/**
 * Runs a scenario: events at one date in file order, then samples. Switching works as SimGrid's
 * users build it (its hosts switch at once): `power_on` switches the host on and shows its boot
 * P-state for a while, `power_off` shows the shutdown P-state and then switches off, which ends
 * the tasks and VMs that are still there. Afterwards the host has the P-state it had before.
 *
 * Where SimGrid 3.32 has bugs this gives what its model says: an idle VM that has moved uses
 * nothing, a P-state change reaches the VMs on the host, a core of speed 0 does no work.
 */

import { hostEnergyNowJ } from '../../energy-now.ts';
import { advance } from '../../engine.ts';
import { assert, inputError } from '../../errors.ts';
import { setPstate } from '../../hosts/frequency.ts';
import { endGovernor } from '../../hosts/governing.ts';
import { failHost, powerOn } from '../../hosts/power-transitions.ts';
import { initialize } from '../../initialize.ts';
import type { ClusterModel } from '../../model.ts';
import { settleHost } from '../../sharing.ts';
import { ClusterState } from '../../state.ts';
import { hostPower } from '../../status.ts';
import { migrateVm, type Refusal, setDemand } from '../../transitions.ts';
import { Twin } from '../../twin.ts';
import { simGridGovernors } from './governors.ts';
import { buildSimGridModel } from './model.ts';
import {
  flopsDone,
  type PowerResult,
  type RefusedEvent,
  type SampleResult,
  type SimGridResult,
  Transcript,
} from './result.ts';
import type { SimGridEvent, SimGridScenario } from './scenario.ts';

/**
 * Simulates a checked scenario (see `parse.ts`).
 *
 * @throws InputError when a migration has no route, naming the event.
 */
export function runSimGridScenario(scenario: SimGridScenario): SimGridResult {
  return new Driver(scenario).run();
}

/** The end of a host's boot or shutdown. */
interface Switching {
  readonly host: number;
  readonly type: 'power_on' | 'power_off';
  readonly startS: number;
  readonly endS: number;
  /** P-state to go back to. */
  readonly pstate: number;
}

class Driver {
  readonly #scenario: SimGridScenario;
  readonly #model: ClusterModel;
  readonly #twin: Twin;
  readonly #transcript: Transcript;
  readonly #samples: SampleResult[] = [];
  readonly #power: PowerResult[] = [];
  readonly #refused: RefusedEvent[] = [];
  #switching: readonly Switching[] = [];

  constructor(scenario: SimGridScenario) {
    this.#scenario = scenario;
    this.#model = buildSimGridModel(scenario);
    this.#transcript = new Transcript(this.#model);
    this.#twin = new Twin(this.#model, ClusterState.allocate(this.#model, 0), simGridGovernors);
    this.#twin.recorder = this.#transcript;
    initialize(this.#twin);
    scenario.hosts.forEach((host, index) => {
      if (!host.initially_on) endGovernor(this.#twin, index);
    });
  }

  run(): SimGridResult {
    const { events, sample_times, end } = this.#scenario;
    this.#scenario.vms.forEach(({ bound }, vm) => {
      if (bound !== undefined) this.#setBound(vm, bound);
    });
    const agenda = [
      ...events.map((event, index) => ({ t: event.t, run: () => this.#event(event, index) })),
      ...sample_times.map((t) => ({ t, run: () => this.#sample(t) })),
    ];
    // The sort keeps the order of equals: events as in the file, then samples.
    for (const { t, run } of agenda.sort((a, b) => a.t - b.t)) {
      if (t > end) break;
      this.#advance(t);
      run();
    }
    this.#advance(end);
    return this.#result();
  }

  /** Runs to `untilS`, ending boots and shutdowns on the way. */
  #advance(untilS: number): void {
    for (;;) {
      const next = this.#switching.reduce<Switching | undefined>(
        (first, other) => (first === undefined || other.endS < first.endS ? other : first),
        undefined,
      );
      if (next === undefined || next.endS > untilS) break;
      advance(this.#twin, next.endS * 1000);
      this.#switching = this.#switching.filter((other) => other !== next);
      this.#endSwitching(next);
    }
    advance(this.#twin, untilS * 1000);
  }

  #event(event: SimGridEvent, index: number): void {
    const refusal = this.#carryOut(event, index);
    if (refusal !== undefined) this.#refused.push({ event: index, t: event.t, reason: refusal });
    // What the event began may take no time at all.
    this.#advance(event.t);
  }

  #carryOut(event: SimGridEvent, index: number): Refusal {
    switch (event.type) {
      case 'pstate':
        return setPstate(this.#twin, this.#host(event.host), event.pstate);
      case 'vm_bound':
        return this.#setBound(this.#vm(event.vm), event.bound);
      case 'migrate':
        return this.#migrate(this.#vm(event.vm), this.#host(event.dst), index);
      case 'power_on':
      case 'power_off':
        return this.#switch(event.type, this.#host(event.host), event.t);
    }
  }

  #setBound(vm: number, bound: number): Refusal {
    return setDemand(this.#twin, vm, bound === 0 ? Infinity : bound);
  }

  #migrate(vm: number, target: number, index: number): Refusal {
    const { hosts, routeStart } = this.#model.network;
    const source = this.#twin.state.vmHost[vm]!;
    const pair = source * hosts + target;
    if (source >= 0 && source !== target && routeStart[pair] === routeStart[pair + 1]) {
      const names = this.#model.hostNames;
      const expected = `a route from ${names[source]} to ${names[target]} in network.routes`;
      throw inputError(`events[${index}]`, expected, 'none');
    }
    return migrateVm(this.#twin, vm, target);
  }

  #switch(type: Switching['type'], host: number, nowS: number): Refusal {
    const { state } = this.#twin;
    const spec = this.#scenario.hosts[host];
    assert(spec !== undefined, () => `there is no host ${host}`);
    if (this.#switching.some((other) => other.host === host)) return 'the host is being switched';
    const on = state.hostPower[host] === hostPower.on;
    if (on === (type === 'power_on')) return `the host is ${on ? 'on' : 'off'}`;
    const shown = type === 'power_on' ? spec.boot : spec.shutdown;
    const pstate = state.hostPstate[host]!;
    if (type === 'power_on') {
      powerOn(this.#twin, host);
      advance(this.#twin, nowS * 1000);
    }
    if (shown !== undefined) setPstate(this.#twin, host, shown.pstate);
    const endS = nowS + (shown?.duration ?? 0);
    this.#switching = [...this.#switching, { host, type, startS: nowS, endS, pstate }];
    return undefined;
  }

  #endSwitching({ host, type, startS, endS, pstate }: Switching): void {
    setPstate(this.#twin, host, pstate);
    if (type === 'power_off') {
      failHost(this.#twin, host);
      endGovernor(this.#twin, host);
    }
    const name = this.#model.hostNames[host] ?? '';
    this.#power.push({ host: name, type, start: startS, end: endS });
  }

  #sample(t: number): void {
    this.#samples.push({ t, energy_J: this.#energies() });
  }

  #energies(): Record<string, number> {
    return Object.fromEntries(
      this.#scenario.hosts.map(({ name }, host) => [name, hostEnergyNowJ(this.#twin, host)]),
    );
  }

  #result(): SimGridResult {
    const { state } = this.#twin;
    for (let host = 0; host < this.#model.hosts; host++) {
      settleHost(this.#twin, host, state.nowMs[0]!);
    }
    const energies = this.#energies();
    const transcript = this.#transcript;
    return {
      scenario: this.#scenario.name,
      engine: 'Wattwin',
      task_phases: transcript.taskPhases,
      completion: transcript.completion,
      migrations: transcript.migrations,
      vm_events: transcript.vmEvents,
      pstate_changes: transcript.pstateChanges,
      samples: this.#samples,
      power: this.#power,
      ...(this.#refused.length > 0 && { refused: this.#refused }),
      end: this.#scenario.end,
      energy_J: energies,
      flops_done: flopsDone(this.#model, state),
      energy_total_J: Object.values(energies).reduce((sum, energy) => sum + energy, 0),
    };
  }

  #host(name: string): number {
    return this.#scenario.hosts.findIndex((host) => host.name === name);
  }

  #vm(name: string): number {
    return this.#scenario.vms.findIndex((vm) => vm.name === name);
  }
}
