/**
 * A seeded workload from nothing: VMs of mixed sizes with demand from `demand-model.ts` and, if
 * asked for, VMs that come and go. No download, the same on every machine.
 *
 * Sizes follow Bitbrains' rnd trace (GWA-T-12, 2013-9, 495 running VMs): 1, 2, 4 and 8 vCPUs in the
 * proportion 228 : 92 : 116 : 55 (its four VMs of 16 and 32 vCPUs are left out), cores of 2.4 to
 * 2.93 GHz counted as 1 MIPS per MHz, median memory 4.1 GB; here 1, 2 or 4 GiB per vCPU. The
 * `planetlab` profile takes CloudSim's four VM types in blocks instead.
 *
 * VMs that come and go live lognormally long, median 1500 s and σ 2.4: P(≤ 1 h, 4 h, 1 day) =
 * 0.64, 0.83, 0.95 where the Azure 2017 arrivals have 0.69, 0.82, 0.93.
 */
import {
  createWorkload,
  inputError,
  RandomStream,
  sharedUint16,
  type VmSpec,
} from '../sim/index.ts';
import { createDemandModel } from './demand-model.ts';
import { type DemandProfileName, profileOf } from './demand-profiles.ts';
import { checkWhole } from './issues.ts';
import { cloudsimVmSizes, type VmSize } from './planetlab.ts';
import { demandCellsMax, unitMips, unitsOf } from './quantize.ts';
import type { Trace } from './report.ts';

export interface SyntheticOptions {
  /** Number of VMs; default 150. */
  readonly vms?: number;
  /** Rows of the grid; default 288, a day of 300 s. Time 0 is a Monday, 00:00. */
  readonly steps?: number;
  /** Default 300,000 ms. */
  readonly intervalMs?: number;
  /** Default 1. */
  readonly seed?: number;
  /** Default `office`. */
  readonly profile?: DemandProfileName;
  /** Share of VMs that arrive and leave during the run, in [0, 1]; default 0. */
  readonly churn?: number;
  /** VM types to draw from with equal chance; default see above. */
  readonly sizes?: readonly VmSize[];
}

const gib = 1024 * 1024 * 1024;
const coreWeights: readonly (readonly [vcpus: number, weight: number])[] = [
  [1, 228],
  [2, 92],
  [4, 116],
  [8, 55],
];
const coreSpeeds = [2400, 2600, 2900] as const;
const gibPerVcpu = [1, 2, 4] as const;
const lifetimeMedianMs = 1_500_000;
const lifetimeSigma = 2.4;

/** @throws InputError when an option is out of range. */
export function createSynthetic(options: SyntheticOptions = {}): Trace {
  const { vms = 150, steps = 288, intervalMs = 300_000, seed = 1, churn = 0 } = options;
  const profileName = options.profile ?? 'office';
  checkWhole([
    ['vms', vms, 1, 1_000_000],
    ['steps', steps, 1, Math.floor(demandCellsMax / Math.max(1, vms))],
    ['intervalMs', intervalMs, 1000, 86_400_000],
    ['seed', seed, 0, Number.MAX_SAFE_INTEGER],
  ]);
  if (!(churn >= 0 && churn <= 1)) throw inputError('churn', 'a share from 0 to 1', String(churn));
  if (options.sizes?.length === 0) throw inputError('sizes', 'at least one size', 'none');

  const profile = profileOf(profileName);
  const model = createDemandModel(profile, seed, steps, intervalMs);
  const sizes = drawSizes(vms, seed, options, profileName);
  const membership = new RandomStream(seed, 'synthetic/applications');
  const demandUnits = sharedUint16(steps * vms);
  const digits = String(vms - 1).length;
  const specs: VmSpec[] = [];
  let application = 0;
  let load = model.application(application, 0, steps);
  for (let vm = 0; vm < vms; vm++) {
    if (vm > 0 && membership.float() < 1 / profile.applicationVms) {
      load = model.application(++application, 0, steps);
    }
    const size = sizes[vm]!;
    const [fromStep, toStep] = drawLife(vm, seed, churn, steps, intervalMs);
    const capacityMips = size.vcpus * size.vcpuMips;
    const mipsPerUnit = unitMips(capacityMips);
    const lastStep = Math.min(steps, toStep);
    const utilization = model.vm(vm, load, fromStep, lastStep);
    for (let step = fromStep; step < lastStep; step++) {
      const demandMips = utilization[step - fromStep]! * capacityMips;
      demandUnits[step * vms + vm] = unitsOf(demandMips, capacityMips, mipsPerUnit);
    }
    specs.push({
      name: `vm-${String(vm).padStart(digits, '0')}`,
      ...size,
      arrivalMs: fromStep * intervalMs,
      departureMs: toStep < steps ? toStep * intervalMs : Number.POSITIVE_INFINITY,
      mipsPerUnit,
    });
  }
  const workload = createWorkload(
    `synthetic:${profileName}:seed=${seed}`,
    intervalMs,
    specs,
    demandUnits,
  );
  return { workload, report: { format: 'synthetic', files: 0, rows: 0, repairs: {} } };
}

function drawSizes(
  vms: number,
  seed: number,
  options: SyntheticOptions,
  profile: DemandProfileName,
): readonly VmSize[] {
  const stream = new RandomStream(seed, 'synthetic/sizes');
  const list = options.sizes;
  if (list !== undefined) return Array.from({ length: vms }, () => pick(stream, list));
  if (profile === 'planetlab') {
    const block = Math.ceil(vms / cloudsimVmSizes.length);
    return Array.from({ length: vms }, (_, vm) => cloudsimVmSizes[Math.floor(vm / block)]!);
  }
  return Array.from({ length: vms }, () => {
    const vcpus = pickWeighted(stream, coreWeights);
    const vcpuMips = pick(stream, coreSpeeds);
    return { vcpus, vcpuMips, memoryBytes: vcpus * pick(stream, gibPerVcpu) * gib };
  });
}

/** Rows [from, to) in which the VM lives; `to` is Infinity for one that outlives the trace. */
function drawLife(
  vm: number,
  seed: number,
  churn: number,
  steps: number,
  intervalMs: number,
): readonly [fromStep: number, toStep: number] {
  const stream = new RandomStream(seed, `synthetic/life/${vm}`);
  if (stream.float() >= churn) return [0, Number.POSITIVE_INFINITY];
  const fromStep = stream.integer(steps);
  const lifetimeMs = lifetimeMedianMs * Math.exp(lifetimeSigma * stream.normal());
  return [fromStep, fromStep + Math.max(1, Math.ceil(lifetimeMs / intervalMs))];
}

function pick<T>(stream: RandomStream, values: readonly T[]): T {
  return values[stream.integer(values.length)]!;
}

function pickWeighted<T>(stream: RandomStream, choices: readonly (readonly [T, number])[]): T {
  let left = stream.float() * choices.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [value, weight] of choices) {
    left -= weight;
    if (left < 0) return value;
  }
  return choices[choices.length - 1]![0];
}
