/** What the plain fluid model consists of, as a scenario has it at its start. */
import type { SimGridScenario } from '../../../sim/compat/simgrid/index.ts';

type HostSpec = SimGridScenario['hosts'][number];
export type PhaseSpec = NonNullable<SimGridScenario['tasks'][number]['phases']>[number];
export type EventSpec = SimGridScenario['events'][number];

export interface Host {
  readonly spec: HostSpec;
  on: boolean;
  pstate: number;
  energyJ: number;
  load: number;
  /** Next governor sample, s; work and capacity since the last. */
  sampleAt: number;
  work: number;
  capacity: number;
  switching:
    | { type: 'power_on' | 'power_off'; startS: number; endS: number; back: number }
    | undefined;
}

export interface Vm {
  readonly spec: SimGridScenario['vms'][number];
  host: Host;
  bound: number;
  status: 'running' | 'paused' | 'gone';
  share: number;
}

export interface Task {
  readonly name: string;
  readonly host: Host | undefined;
  readonly vm: Vm | undefined;
  readonly startS: number;
  readonly phases: readonly PhaseSpec[];
  readonly endless: boolean;
  status: 'waiting' | 'working' | 'sleeping' | 'done' | 'killed';
  phase: number;
  wakeS: number;
  left: number;
  rate: number;
  done: number;
}

export interface Migration {
  readonly vm: Vm;
  readonly source: Host;
  readonly target: Host;
  readonly callS: number;
  readonly dirtyPerFlop: number;
  readonly links: readonly string[];
  readonly delayS: number;
  readonly cap: number;
  readonly weight: number;
  stage: number;
  left: number;
  roundBytes: number;
  roundStartS: number;
  work: number;
  /** The transfer begins to flow at this date. */
  flowsS: number;
  flowing: boolean;
  bytes: number;
  rate: number;
}

/** Hosts, VMs and tasks before anything has happened. */
export function fluidParts(scenario: SimGridScenario): {
  readonly hosts: Host[];
  readonly vms: Vm[];
  readonly tasks: Task[];
} {
  const hosts: Host[] = scenario.hosts.map((spec) => ({
    spec,
    on: spec.initially_on,
    pstate: spec.pstate,
    energyJ: 0,
    load: 0,
    sampleAt: spec.governor && spec.initially_on ? spec.governor.sampling_rate : Infinity,
    work: 0,
    capacity: 0,
    switching: undefined,
  }));
  const hostNamed = (name: string): Host => hosts.find((host) => host.spec.name === name)!;
  const vms = scenario.vms.map(
    (spec): Vm => ({
      spec,
      host: hostNamed(spec.host),
      bound: spec.bound ? spec.bound : Infinity,
      status: 'running',
      share: 0,
    }),
  );
  const tasks = scenario.tasks.flatMap((spec) => {
    const vm = vms.find((candidate) => candidate.spec.name === spec.on);
    const loops = spec.background_threads ?? 0;
    const names =
      loops === 0 ? [spec.id] : Array.from({ length: loops }, (_, loop) => `${spec.id}#${loop}`);
    return names.map(
      (name): Task => ({
        name,
        host: vm ? undefined : hostNamed(spec.on),
        vm,
        startS: spec.start,
        phases: spec.phases ?? [{ flops: Infinity }],
        endless: loops > 0,
        status: 'waiting',
        phase: 0,
        wakeS: 0,
        left: 0,
        rate: 0,
        done: 0,
      }),
    );
  });

  return { hosts, vms, tasks };
}
