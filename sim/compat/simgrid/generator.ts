/**
 * The scale scenario: VM v stands on host v mod H and asks at every step for a whole percentage of
 * its vCPUs, 1 … 100, drawn by a hash of (v, step). With speeds that are round numbers every sum is
 * an exact integer, so host energies can be compared bit for bit.
 */

import { hostEnergyNowJ } from '../../energy-now.ts';
import { advance } from '../../engine.ts';
import { buildModel, type ClusterModel } from '../../model.ts';
import { sharedUint16 } from '../../numbers/columns.ts';
import { Twin } from '../../twin.ts';
import { createWorkload } from '../../workload.ts';
import type { SimGridGenerator } from './scenario.ts';

export interface SimGridScaleResult {
  readonly H: number;
  readonly V: number;
  /** True when VMs change at dates of their own. */
  readonly async: false;
  /** Demand changes: VMs × steps. */
  readonly changes: number;
  readonly energy_J: readonly number[];
  readonly energy_total_J: number;
  /** VMs with their vCPUs and shares, as opposed to bare tasks. */
  readonly mode: 'vm';
  readonly sim_end: number;
  readonly steps: number;
  readonly time_advances: number;
}

/** Columns of the scenario; the demand comes as rows of the trace grid. */
export function buildGeneratorModel(generator: SimGridGenerator): ClusterModel {
  const { host_count, vm_count, speed, vm_vcpus_cycle } = generator;
  const vcpusOf = (vm: number): number => vm_vcpus_cycle[vm % vm_vcpus_cycle.length] ?? 1;
  const vms = Array.from({ length: vm_count }, (_, vm) => ({
    name: `v${vm}`,
    vcpus: vcpusOf(vm),
    vcpuMips: speed,
    memoryBytes: 0,
    arrivalMs: 0,
    departureMs: Infinity,
    mipsPerUnit: (vcpusOf(vm) * speed) / 100,
  }));
  return buildModel({
    hosts: Array.from({ length: host_count }, (_, host) => ({
      name: `h${host}`,
      cores: generator.cores,
      memoryBytes: Infinity,
      pstates: [
        {
          coreMips: speed,
          idleW: generator.idle,
          epsilonW: generator.epsilon,
          fullW: generator.max,
        },
      ],
      offW: generator.watts_off,
      bootMs: 0,
      bootW: 0,
      shutdownMs: 0,
      shutdownW: 0,
    })),
    workload: createWorkload('scale', generator.interval * 1000, vms, generateDemand(generator)),
    migration: () => ({ bytesPerS: 0, dirtyIntensity: 0, workingSetBytes: 0 }),
    initialHost: vms.map((_, vm) => vm % host_count),
    network: { type: 'star', portBytesPerS: 1 },
    migrationOverheadFraction: 0,
    migrationsMax: 1,
  });
}

/** Demand in percent, [steps, VMs] row-major. */
function generateDemand({ vm_count, steps, seed0 }: SimGridGenerator): Uint16Array {
  const units = sharedUint16(vm_count * steps);
  for (let vm = 0; vm < vm_count; vm++) {
    for (let step = 0; step < steps; step++) {
      const hash = mixBits(seed0 + Math.imul(0x9e3779b9, vm * steps + step + 1));
      units[step * vm_count + vm] = 1 + Math.floor(((hash >>> 8) * 100) / 0x1000000);
    }
  }
  return units;
}

/** MurmurHash3's 32-bit finalizer (Appleby, public domain). */
function mixBits(value: number): number {
  let bits = value >>> 0;
  bits ^= bits >>> 16;
  bits = Math.imul(bits, 0x85ebca6b);
  bits ^= bits >>> 13;
  bits = Math.imul(bits, 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}

/** Simulates all steps of a generator scenario. */
export function runSimGridGenerator(generator: SimGridGenerator): SimGridScaleResult {
  const model = buildGeneratorModel(generator);
  const twin = Twin.create(model, 0);
  const endS = generator.steps * generator.interval;
  advance(twin, endS * 1000);
  const energies = Array.from({ length: model.hosts }, (_, host) => hostEnergyNowJ(twin, host));
  return {
    H: model.hosts,
    V: model.vms,
    async: false,
    changes: model.vms * generator.steps,
    energy_J: energies,
    energy_total_J: energies.reduce((sum, energy) => sum + energy, 0),
    mode: 'vm',
    sim_end: endS,
    steps: generator.steps,
    time_advances: generator.steps + 1,
  };
}
