/**
 * Azure 2017 VM arrivals in their processed form: a directory with `flav_map.txt`, an interval map
 * (`*.interval_map.txt`) and pairs of arrivals (`v1.dev.txt`) and lifetimes (`v1.dev.c2100000.txt`,
 * censored at second 2,100,000).
 *
 * What the files do not say is filled in, reproducibly from the seed: a finished VM's lifetime is
 * drawn evenly from those of its bin that end before the censoring time (bin 0, less than one
 * interval, counts as half an interval); a censored VM outlives the trace. CPU demand is entirely
 * synthetic (`demand-model.ts`), a batch being one application. The trace starts with no VM
 * running, so its first hours are a filling cluster.
 *
 * @see E. Cortez et al., "Resource Central", SOSP 2017, for the data (CC-BY-4.0); S. Bergsma et al.,
 *   "Generating complex, realistic cloud workloads using recurrent neural networks", SOSP 2021,
 *   for the processed form.
 */
import { basename } from 'node:path';
import {
  createWorkload,
  inputError,
  RandomStream,
  sharedUint16,
  type VmSpec,
} from '../sim/index.ts';
import { type AzureTables, readAzureTables } from './azure-directory.ts';
import type { Flavour } from './azure-file.ts';
import { createDemandModel } from './demand-model.ts';
import { type DemandProfileName, profileOf } from './demand-profiles.ts';
import { checkWhole } from './issues.ts';
import { demandCellsMax, unitMips, unitsOf } from './quantize.ts';
import type { Trace } from './report.ts';

export interface AzureOptions {
  /** Which pair of files, e.g. `v1.dev`; default the only one there is. */
  readonly split?: string;
  /** Share of the batches to keep, chosen by the seed, in (0, 1]; default 0.05. */
  readonly share?: number;
  /** Rows kept from the start; default all. */
  readonly steps?: number;
  /** Seed of the choice of batches, lifetimes within bins and demand; default 1. */
  readonly seed?: number;
  /** Demand profile; default `office`. */
  readonly profile?: DemandProfileName;
  /** Speed of every vCPU, which the trace does not tell, MIPS; default 2400. */
  readonly vcpuMips?: number;
}

const gib = 1024 * 1024 * 1024;

/** One VM as the files tell of it. */
interface Arrival {
  /** Number of the VM in the whole trace, so that other shares keep its name and demand. */
  readonly vm: number;
  readonly batch: number;
  readonly flavour: Flavour;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** @throws InputError naming every line that cannot be used, and pairs that do not match. */
export function readAzure(directory: string, options: AzureOptions = {}): Trace {
  const { seed = 1, share = 0.05, profile = 'office', vcpuMips = 2400 } = options;
  checkWhole([
    ['seed', seed, 0, Number.MAX_SAFE_INTEGER],
    ['steps', options.steps ?? 1, 1, Number.MAX_SAFE_INTEGER],
    ['vcpuMips', vcpuMips, 1, 1_000_000],
  ]);
  if (!(share > 0 && share <= 1)) throw inputError('share', 'above 0, up to 1', String(share));
  const tables = readAzureTables(directory, options.split);
  const { arrivals, intervalMs } = tables;
  const spanMs = (arrivals[arrivals.length - 1]!.timeS - arrivals[0]!.timeS) * 1000;
  const steps = Math.min(spanMs / intervalMs + 1, options.steps ?? Number.POSITIVE_INFINITY);
  const { vms, seen, below } = drawArrivals(tables, { seed, share, steps });
  if (vms.length === 0) throw inputError(directory, 'a batch kept; raise `share`', 'none');
  if (steps * vms.length > demandCellsMax) {
    const size = `${vms.length} VMs × ${steps} steps`;
    throw inputError(
      directory,
      `at most ${demandCellsMax} cells; lower \`share\` or \`steps\``,
      size,
    );
  }
  const name = `azure:${basename(directory)}/${tables.split}:share=${share}:seed=${seed}`;
  const workload = fillDemand(name, vms, { seed, profile, vcpuMips, steps, intervalMs });
  const repairs = {
    'VMs of batches not kept, left out': seen - vms.length,
    'lifetimes below one interval, half of it taken': below,
  };
  return { workload, report: { format: 'azure', files: 4, rows: seen, repairs } };
}

/** Chooses batches and draws lifetimes. A batch's draws do not depend on the share. */
function drawArrivals(
  { arrivals, durations, flavours, lifetimes, censoredS, intervalMs }: AzureTables,
  { seed, share, steps }: { readonly seed: number; readonly share: number; readonly steps: number },
): { readonly vms: readonly Arrival[]; readonly seen: number; readonly below: number } {
  const chooser = new RandomStream(seed, 'azure/batches');
  const vms: Arrival[] = [];
  const endMs = steps * intervalMs;
  let seen = 0;
  let below = 0;
  let batch = 0;
  arrivals.forEach((bin, index) => {
    const fromMs = (bin.timeS - arrivals[0]!.timeS) * 1000;
    if (fromMs >= endMs) return;
    bin.batches.forEach((letters, position) => {
      const firstVm = seen;
      seen += letters.length;
      batch++;
      if (chooser.float() >= share) return;
      const stream = new RandomStream(seed, `azure/lifetimes/${batch}`);
      letters.forEach((letter, vm) => {
        const token = durations[index]!.batches[position]![vm]!;
        const flavour = flavours.get(letter)!;
        let untilMs = Number.POSITIVE_INFINITY;
        if (token.startsWith('U')) {
          const leftS = censoredS - bin.timeS;
          const lifetimeS = drawLifetime(lifetimes[Number(token.slice(1))]!, leftS, stream);
          if (lifetimeS === 0) below++;
          untilMs = fromMs + (lifetimeS > 0 ? lifetimeS * 1000 : intervalMs / 2);
          if (untilMs >= endMs) untilMs = Number.POSITIVE_INFINITY;
        }
        vms.push({ vm: firstVm + vm, batch, flavour, fromMs, untilMs });
      });
    });
  });
  return { vms, seen, below };
}

/** One of the bin's lifetimes up to `leftS`, all as likely; the shortest when none is. */
function drawLifetime(bin: readonly number[], leftS: number, stream: RandomStream): number {
  const possible = bin.filter((seconds) => seconds <= leftS).length;
  return bin[stream.integer(Math.max(1, possible))]!;
}

function fillDemand(
  name: string,
  vms: readonly Arrival[],
  options: {
    readonly seed: number;
    readonly profile: DemandProfileName;
    readonly vcpuMips: number;
    readonly steps: number;
    readonly intervalMs: number;
  },
): ReturnType<typeof createWorkload> {
  const { seed, profile, vcpuMips, steps, intervalMs } = options;
  const model = createDemandModel(profileOf(profile), seed, steps, intervalMs);
  const demandUnits = sharedUint16(steps * vms.length);
  let load: ReturnType<typeof model.application> | undefined;
  let batch = -1;
  const specs = vms.map((vm, index): VmSpec => {
    const fromStep = vm.fromMs / intervalMs;
    const toStep = Math.min(steps, Math.ceil(vm.untilMs / intervalMs));
    if (load === undefined || vm.batch !== batch)
      load = model.application(vm.batch, fromStep, steps);
    batch = vm.batch;
    const capacityMips = vm.flavour.vcpus * vcpuMips;
    const mipsPerUnit = unitMips(capacityMips);
    const utilization = model.vm(vm.vm, load, fromStep, toStep);
    for (let step = fromStep; step < toStep; step++) {
      const demandMips = utilization[step - fromStep]! * capacityMips;
      demandUnits[step * vms.length + index] = unitsOf(demandMips, capacityMips, mipsPerUnit);
    }
    return {
      name: `vm-${String(vm.vm).padStart(6, '0')}`,
      vcpus: vm.flavour.vcpus,
      vcpuMips,
      memoryBytes: vm.flavour.memoryGib * gib,
      arrivalMs: vm.fromMs,
      departureMs: vm.untilMs,
      mipsPerUnit,
    };
  });
  return createWorkload(name, intervalMs, specs, demandUnits);
}
