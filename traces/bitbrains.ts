/**
 * Bitbrains traces (GWA-T-12 fastStorage and rnd): a directory of CSV files, one per VM.
 *
 * CPU demand is the column in MHz, counted as MIPS, never above the VM's capacity. The grid starts
 * at the earliest sample of all files; demand is resampled to it by the time-weighted mean, each
 * sample holding until the next one, at most `holdMs`, and the last one for one interval.
 * A VM lives from its first to its last running sample (cores > 0). A VM whose first (last) sample
 * lies within one interval of the trace's start (end) is taken to be there from the start (to
 * outlive the trace). Stopped samples in between are demand 0: the VM keeps its memory.
 *
 * @see S. Shen, V. van Beek and A. Iosup, "Statistical characterization of business-critical
 *   workloads hosted in cloud datacenters", CCGrid 2015; http://gwa.ewi.tudelft.nl
 */
import { basename, join } from 'node:path';
import { createWorkload, inputError, sharedUint16, type VmSpec } from '../sim/index.ts';
import { type BitbrainsSamples, parseBitbrains } from './bitbrains-file.ts';
import { listTraceFiles, readText } from './files.ts';
import { checkWhole, IssueList } from './issues.ts';
import { demandCellsMax, unitMips, unitsOf } from './quantize.ts';
import type { Trace } from './report.ts';
import { resample } from './resample.ts';

export interface BitbrainsOptions {
  /** Read only the first so many CSV files (by name); default all. */
  readonly vms?: number;
  /** Keep only so many rows from the start, and the VMs that run in them; default all. */
  readonly steps?: number;
  /** Step of the grid, ms; default 300,000. */
  readonly intervalMs?: number;
  /** How long a sample holds when the next ones are missing, ms; default one hour, then 0. */
  readonly holdMs?: number;
}

/** Repairs by name; see `docs/traces.md`. */
const noRepairs = {
  'files with times in seconds': 0,
  'duplicate times, last kept': 0,
  'times out of order, sorted': 0,
  'steps off the grid, resampled': 0,
  'missing samples, last value held': 0,
  'missing samples, demand 0': 0,
  'samples above capacity, cut': 0,
  'stopped samples in a life, demand 0': 0,
  'VMs never running, left out': 0,
  'VMs with changing capacity, largest taken': 0,
  'VMs with changing memory, largest taken': 0,
};
type Repairs = typeof noRepairs;

/** The running life of one VM: indices of its first and last running sample. */
interface RunningVm {
  readonly name: string;
  readonly samples: BitbrainsSamples;
  readonly first: number;
  readonly last: number;
}

/** Where the grid lies. */
interface Grid {
  readonly startMs: number;
  readonly intervalMs: number;
  readonly steps: number;
  readonly holdMs: number;
}

/**
 * Reads a directory of Bitbrains CSV files; VM names are file names without `.csv`.
 *
 * @throws InputError naming every unusable line: wrong number of columns, a field that is not a
 *   number or is negative, a missing column, an empty file.
 */
export function readBitbrains(directory: string, options: BitbrainsOptions = {}): Trace {
  const { intervalMs = 300_000, holdMs = 3_600_000 } = options;
  checkWhole([
    ['intervalMs', intervalMs, 1000, 86_400_000],
    ['holdMs', holdMs, 0, Number.MAX_SAFE_INTEGER],
    ['steps', options.steps ?? 1, 1, Number.MAX_SAFE_INTEGER],
    ['vms', options.vms ?? 1, 1, Number.MAX_SAFE_INTEGER],
  ]);
  const names = listTraceFiles(directory).filter((name) => /\.csv$/i.test(name));
  if (names.length < (options.vms ?? 1)) {
    throw inputError(directory, `${options.vms ?? 1} CSV files or more`, `${names.length}`);
  }
  const issues = new IssueList(directory);
  const repairs = { ...noRepairs };
  const running: RunningVm[] = [];
  let rows = 0;
  const used = names.slice(0, options.vms);
  for (const file of used) {
    const samples = parseBitbrains(readText(directory, file), join(directory, file), issues);
    rows += samples.rows;
    repairs['duplicate times, last kept'] += samples.duplicates;
    repairs['times out of order, sorted'] += samples.disordered;
    if (samples.isInSeconds) repairs['files with times in seconds']++;
    const first = samples.cores.findIndex((cores) => cores > 0);
    const last = samples.cores.findLastIndex((cores) => cores > 0);
    if (first >= 0) running.push({ name: file.replace(/\.csv$/i, ''), samples, first, last });
    else repairs['VMs never running, left out']++;
  }
  issues.throwIfAny();
  if (running.length === 0) throw inputError(directory, 'a VM with cores > 0', 'only stopped VMs');

  const whole = findGrid(running, intervalMs, directory);
  const grid = { ...whole, steps: Math.min(whole.steps, options.steps ?? whole.steps), holdMs };
  const endMs = grid.startMs + grid.steps * intervalMs;
  const vms = running.filter(({ samples, first }) => samples.timesMs[first]! < endMs);
  if (vms.length === 0) throw inputError(directory, 'a VM that runs within the steps', 'none');
  const demandUnits = sharedUint16(grid.steps * vms.length);
  const specs = vms.map((vm, index) => placeVm(vm, index, vms.length, grid, demandUnits, repairs));
  const name = `bitbrains:${basename(directory)}`;
  return {
    workload: createWorkload(name, intervalMs, specs, demandUnits),
    report: { format: 'bitbrains', files: used.length, rows, repairs },
  };
}

function findGrid(
  vms: readonly RunningVm[],
  intervalMs: number,
  directory: string,
): { readonly startMs: number; readonly intervalMs: number; readonly steps: number } {
  let startMs = Number.POSITIVE_INFINITY;
  let endMs = 0;
  for (const { samples } of vms) {
    startMs = Math.min(startMs, samples.timesMs[0]!);
    endMs = Math.max(endMs, samples.timesMs[samples.timesMs.length - 1]! + intervalMs);
  }
  const steps = Math.max(1, Math.round((endMs - startMs) / intervalMs));
  if (steps * vms.length > demandCellsMax) {
    const span = `times from ${startMs} to ${endMs} ms`;
    throw inputError(directory, `at most ${Math.floor(demandCellsMax / vms.length)} steps`, span);
  }
  return { startMs, intervalMs, steps };
}

/** Writes one VM's column of `demandUnits` [steps, vms] and describes the VM. */
function placeVm(
  vm: RunningVm,
  index: number,
  vms: number,
  grid: Grid,
  demandUnits: Uint16Array,
  repairs: Repairs,
): VmSpec {
  const { samples, first, last } = vm;
  const capacityMips = spread(samples.capacityMhz, samples.cores)[1];
  const vcpus = spread(samples.cores, samples.cores)[1];
  const [memoryMin, memoryMax] = spread(samples.memoryKib, samples.cores);
  const [capacityMin] = spread(samples.capacityMhz, samples.cores);
  if (memoryMin !== memoryMax) repairs['VMs with changing memory, largest taken']++;
  // The files give 2925.999516 and 2925.999494 MHz for one VM; a real change is larger.
  if (capacityMips - capacityMin > 1) repairs['VMs with changing capacity, largest taken']++;

  const held = holdSamples(vm, capacityMips, grid, repairs);
  const gridEndMs = grid.startMs + grid.steps * grid.intervalMs;
  const isInitial = held.fromMs[0]! < grid.startMs + grid.intervalMs;
  const isLasting = held.untilMs[last - first]! > gridEndMs - grid.intervalMs;
  if (isInitial) held.fromMs[0] = grid.startMs;
  if (isLasting) held.untilMs[last - first] = gridEndMs;
  const mean = resample(held, grid.startMs, grid.intervalMs, grid.steps);
  const mipsPerUnit = unitMips(capacityMips);
  for (let step = 0; step < grid.steps; step++) {
    demandUnits[step * vms + index] = unitsOf(mean[step]!, capacityMips, mipsPerUnit);
  }
  return {
    name: vm.name,
    vcpus,
    vcpuMips: capacityMips / vcpus,
    memoryBytes: memoryMax * 1024,
    arrivalMs: held.fromMs[0]! - grid.startMs,
    departureMs: isLasting ? Number.POSITIVE_INFINITY : held.untilMs[last - first]! - grid.startMs,
    mipsPerUnit,
  };
}

/** Smallest and largest value over the samples in which the VM runs. */
function spread(values: Float64Array, cores: Float64Array): readonly [min: number, max: number] {
  let min = Number.POSITIVE_INFINITY;
  let max = 0;
  for (let sample = 0; sample < values.length; sample++) {
    if (cores[sample] === 0) continue;
    min = Math.min(min, values[sample]!);
    max = Math.max(max, values[sample]!);
  }
  return [min, max];
}

/** The samples of the VM's life with the time each one holds; counts what is repaired. */
function holdSamples(
  vm: RunningVm,
  capacityMips: number,
  grid: Grid,
  repairs: Repairs,
): { fromMs: Float64Array; untilMs: Float64Array; values: Float64Array } {
  const { samples, first, last } = vm;
  const fromMs = samples.timesMs.slice(first, last + 1);
  const untilMs = new Float64Array(fromMs.length);
  const values = samples.usageMhz.slice(first, last + 1);
  for (let sample = 0; sample < values.length; sample++) {
    const next = samples.timesMs[first + sample + 1];
    const stepMs = next === undefined ? grid.intervalMs : next - fromMs[sample]!;
    const heldMs = Math.min(stepMs, Math.max(grid.intervalMs, grid.holdMs));
    untilMs[sample] = fromMs[sample]! + heldMs;
    if (stepMs !== grid.intervalMs) repairs['steps off the grid, resampled']++;
    const missing = Math.max(0, Math.round(stepMs / grid.intervalMs) - 1);
    const filled = Math.min(missing, Math.max(0, Math.round(heldMs / grid.intervalMs) - 1));
    repairs['missing samples, last value held'] += filled;
    repairs['missing samples, demand 0'] += missing - filled;
    if (samples.cores[first + sample] === 0) {
      repairs['stopped samples in a life, demand 0']++;
      values[sample] = 0;
    } else if (values[sample]! > capacityMips) {
      repairs['samples above capacity, cut']++;
      values[sample] = capacityMips;
    }
  }
  return { fromMs, untilMs, values };
}
