/** Scenario → columns. Speeds stay in flop/s (1 "MIPS" is 1 flop/s), so round sums stay exact. */

import type { NetworkSpec } from '../../flows/network-spec.ts';
import type { HostSpec } from '../../hosts/host-spec.ts';
import { buildModel, type ClusterModel } from '../../model.ts';
import { sharedUint16 } from '../../numbers/columns.ts';
import type { PhaseSpec, TaskSpec } from '../../vms/task-spec.ts';
import { createWorkload } from '../../workload.ts';
import { simGridGovernors } from './governors.ts';
import type { SimGridScenario } from './scenario.ts';

type Host = SimGridScenario['hosts'][number];
type Task = SimGridScenario['tasks'][number];
type Phase = NonNullable<Task['phases']>[number];

/**
 * Columns of a checked scenario. Hosts, VMs and tasks keep their order; each background task
 * becomes `id#0`, `id#1`, … Switching a host on or off takes no time here: `run.ts` shows the
 * P-states of booting and shutting down, as SimGrid's users do.
 */
export function buildSimGridModel(scenario: SimGridScenario): ClusterModel {
  const { hosts, vms } = scenario;
  const hostIndex = new Map(hosts.map(({ name }, at) => [name, at]));
  const vmIndex = new Map(vms.map(({ name }, at) => [name, at]));
  const specs = vms.map((vm) => ({
    name: vm.name,
    vcpus: vm.cores,
    vcpuMips: Infinity,
    memoryBytes: vm.ram_bytes,
    arrivalMs: 0,
    departureMs: Infinity,
    mipsPerUnit: 0,
  }));
  return buildModel({
    hosts: hosts.map(hostSpec),
    workload: createWorkload(scenario.name, 1, specs, sharedUint16(0)),
    migration: (vm) => ({
      bytesPerS: vms[vm]?.migration?.speed ?? 0,
      dirtyIntensity: vms[vm]?.migration?.dp_intensity ?? 0,
      workingSetBytes: vms[vm]?.migration?.working_set ?? 0,
    }),
    initialHost: vms.map((vm) => hostIndex.get(vm.host) ?? -1),
    taskDriven: vms.map(() => true),
    tasks: scenario.tasks.flatMap((task) => taskSpecs(task, hostIndex, vmIndex)),
    network: networkSpec(scenario, hostIndex),
    migrationOverheadFraction: 0,
    migrationsMax: vms.length,
  });
}

function hostSpec(host: Host): HostSpec {
  return {
    name: host.name,
    cores: host.cores,
    memoryBytes: Infinity,
    pstates: host.pstates.map((pstate) => ({
      coreMips: pstate.speed,
      idleW: pstate.idle,
      epsilonW: pstate.epsilon ?? pstate.idle,
      fullW: pstate.max,
    })),
    offW: host.watts_off,
    bootMs: 0,
    bootW: 0,
    shutdownMs: 0,
    shutdownW: 0,
    initialPstate: host.pstate,
    initiallyOn: host.initially_on,
    ...(host.governor && {
      governor: {
        rule: simGridGovernors.findIndex((rule) => rule.name === host.governor?.name),
        periodMs: host.governor.sampling_rate * 1000,
      },
    }),
  };
}

function taskSpecs(
  task: Task,
  hostIndex: ReadonlyMap<string, number>,
  vmIndex: ReadonlyMap<string, number>,
): TaskSpec[] {
  const vm = vmIndex.get(task.on);
  const on = vm === undefined ? { host: hostIndex.get(task.on) ?? -1 } : { vm };
  const startMs = task.start * 1000;
  if (task.phases !== undefined) {
    return [{ name: task.id, on, startMs, phases: task.phases.map(phaseSpec) }];
  }
  return Array.from({ length: task.background_threads ?? 0 }, (_, loop) => ({
    name: `${task.id}#${loop}`,
    on,
    startMs,
    phases: [{ type: 'endless' }],
  }));
}

function phaseSpec(phase: Phase): PhaseSpec {
  if (phase.sleep !== undefined) return { type: 'sleep', ms: phase.sleep * 1000 };
  if (phase.sleep_until !== undefined) {
    return { type: 'sleepUntil', timeMs: phase.sleep_until * 1000 };
  }
  return {
    type: 'work',
    work: phase.flops ?? 0,
    threads: phase.threads ?? 1,
    boundMips: phase.bound === undefined || phase.bound === 0 ? Infinity : phase.bound,
    priority: phase.priority ?? 1,
  };
}

function networkSpec(
  scenario: SimGridScenario,
  hostIndex: ReadonlyMap<string, number>,
): NetworkSpec {
  const { network } = scenario;
  const links = network?.links ?? [];
  const linkIndex = new Map(links.map(({ name }, at) => [name, at]));
  return {
    type: 'routed',
    links: links.map((link) => ({ bytesPerS: link.bandwidth, latencyS: link.latency })),
    routes: (network?.routes ?? []).map((route) => ({
      source: hostIndex.get(route.src) ?? -1,
      target: hostIndex.get(route.dst) ?? -1,
      links: route.links.map((name) => linkIndex.get(name) ?? -1),
    })),
    transport: network?.model === 'LV08' ? 'tcp' : 'fluid',
    crossTraffic: Boolean(network?.crosstraffic),
  };
}
