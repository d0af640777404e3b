/**
 * From summed samples to a workload: each VM's rows become units of its own scale, gaps are filled,
 * lives cut to the grid.
 *
 * Unless lives are exact, a VM whose life begins within one interval of the trace's start is there
 * from the start, and one that ends within an interval of the trace's end outlives it.
 */
import {
  createWorkload,
  inputError,
  sharedUint16,
  type VmSpec,
  type Workload,
} from '../sim/index.ts';
import { demandCellsMax, unitMips, unitsOf } from './quantize.ts';
import type { SampleGrid } from './sample-grid.ts';

/** What to do with rows of a life that no sample covers. */
export type GapRule = 'hold' | 'zero';

/** One VM of the grid with its size, on the trace's own clock. */
export interface SampledVm {
  /** Number in the grid. */
  readonly vm: number;
  readonly name: string;
  readonly vcpus: number;
  readonly vcpuMips: number;
  readonly memoryBytes: number;
  /** Life, ms of the trace's clock; default its rows with samples. */
  readonly fromMs?: number;
  readonly untilMs?: number;
}

export interface PlaceOptions {
  /** MIPS of a value of 1 in the grid, by VM. */
  readonly mipsOf: (vm: SampledVm) => number;
  /**
   * `samples`: a row's demand is the mean of its samples. `work`: it is the row's value × time over
   * the time that the VM lives in it, so that the work is that of the samples.
   */
  readonly rows: 'samples' | 'work';
  readonly gaps: GapRule;
  /** How long a value holds in a gap, ms; the rest of the gap is 0. */
  readonly holdMs: number;
  /** Rows kept from the start; default all. */
  readonly steps?: number;
  /** `exact`: lives begin and end at their own times, near the trace's ends too; default `snapped`. */
  readonly lives?: 'snapped' | 'exact';
}

/** Counts of what was repaired; VMs that hold no row of the steps kept are not in the workload. */
export interface PlaceRepairs {
  held: number;
  zeroed: number;
  cut: number;
  leftOut: number;
}

/**
 * @param path The trace, for messages.
 * @throws InputError when there is no VM, or the workload would be too large.
 */
export function placeSamples(
  name: string,
  path: string,
  grid: SampleGrid,
  all: readonly SampledVm[],
  options: PlaceOptions,
): { readonly workload: Workload; readonly repairs: PlaceRepairs } {
  const sampled = all.filter(({ vm }) => grid.endRow(vm) > grid.firstRow(vm));
  if (sampled.length === 0) throw inputError(path, 'at least one sample', 'none');
  let start = Number.POSITIVE_INFINITY;
  let end = 0;
  for (const { vm } of sampled) {
    start = Math.min(start, grid.firstRow(vm));
    end = Math.max(end, grid.endRow(vm));
  }
  const steps = Math.min(end - start, options.steps ?? Number.POSITIVE_INFINITY);
  const startMs = start * grid.intervalMs;
  const endMs = startMs + steps * grid.intervalMs;
  const lives = sampled.map((vm) => lifeOf(vm, grid, startMs, endMs, options.lives ?? 'snapped'));
  const kept = lives.filter((life) => life.fromMs < endMs && life.untilMs > life.fromMs);
  if (kept.length === 0) throw inputError(path, 'a VM that lives within the steps', 'none');
  if (steps * kept.length > demandCellsMax) {
    const got = `${kept.length} VMs × ${steps} rows`;
    throw inputError(path, `at most ${demandCellsMax} cells; keep fewer VMs or steps`, got);
  }
  const repairs = { held: 0, zeroed: 0, cut: 0, leftOut: all.length - kept.length };
  const demandUnits = sharedUint16(steps * kept.length);
  const specs = kept.map((life, column) => {
    const spec = specOf(life, startMs, endMs);
    const scale = options.mipsOf(life.vm);
    fillColumn(
      life,
      column,
      kept.length,
      { ...options, grid, steps, start, scale, spec },
      demandUnits,
      repairs,
    );
    grid.release(life.vm.vm);
    return spec;
  });
  return { workload: createWorkload(name, grid.intervalMs, specs, demandUnits), repairs };
}

/** A VM's life on the trace's clock, snapped to the grid's ends when it is near them. */
interface Life {
  readonly vm: SampledVm;
  readonly fromMs: number;
  /** Infinity when it outlives the trace. */
  readonly untilMs: number;
}

function lifeOf(
  vm: SampledVm,
  grid: SampleGrid,
  startMs: number,
  endMs: number,
  lives: 'snapped' | 'exact',
): Life {
  const { intervalMs } = grid;
  const fromMs = vm.fromMs ?? grid.firstRow(vm.vm) * intervalMs;
  const untilMs = vm.untilMs ?? grid.endRow(vm.vm) * intervalMs;
  if (lives === 'exact') return { vm, fromMs, untilMs };
  return {
    vm,
    fromMs: fromMs < startMs + intervalMs ? startMs : fromMs,
    untilMs: untilMs > endMs - intervalMs ? Number.POSITIVE_INFINITY : untilMs,
  };
}

function specOf({ vm, fromMs, untilMs }: Life, startMs: number, endMs: number): VmSpec {
  const { name, vcpus, vcpuMips, memoryBytes } = vm;
  return {
    name,
    vcpus,
    vcpuMips,
    memoryBytes,
    arrivalMs: fromMs - startMs,
    departureMs: untilMs <= endMs ? untilMs - startMs : Number.POSITIVE_INFINITY,
    mipsPerUnit: unitMips(vcpus * vcpuMips),
  };
}

/** Writes one column of `demandUnits` [steps, vms]. */
function fillColumn(
  { vm: { vm }, fromMs, untilMs }: Life,
  column: number,
  vms: number,
  options: PlaceOptions & {
    readonly grid: SampleGrid;
    readonly steps: number;
    /** Row of the grid that is step 0. */
    readonly start: number;
    /** MIPS of a value of 1. */
    readonly scale: number;
    readonly spec: VmSpec;
  },
  demandUnits: Uint16Array,
  repairs: PlaceRepairs,
): void {
  const { grid, steps, start, scale, spec, gaps, holdMs, rows } = options;
  const { intervalMs } = grid;
  const capacityMips = spec.vcpus * spec.vcpuMips;
  const from = Math.max(start, Math.floor(fromMs / intervalMs));
  const to = Math.min(start + steps, Math.ceil(untilMs / intervalMs));
  const holdRows = gaps === 'hold' ? Math.round(holdMs / intervalMs) : 0;
  let last = 0;
  let gap = 0;
  for (let row = from; row < to; row++) {
    const weight = grid.weight(vm, row);
    const isInside = row >= grid.firstRow(vm) && row < grid.endRow(vm);
    let value = 0;
    if (weight > 0) {
      const lifeMs = Math.min(untilMs, (row + 1) * intervalMs) - Math.max(fromMs, row * intervalMs);
      value = grid.sum(vm, row) / (rows === 'work' ? lifeMs : weight);
      last = value;
      gap = 0;
    } else if (isInside && ++gap <= holdRows) {
      value = last;
      repairs.held++;
    } else if (isInside && gaps === 'hold') repairs.zeroed++;
    const demandMips = value * scale;
    // A sum of parts may exceed the whole by its last bits.
    if (weight > 0 && demandMips > capacityMips * (1 + 1e-12)) repairs.cut++;
    const mips = Math.min(demandMips, capacityMips);
    demandUnits[(row - start) * vms + column] = unitsOf(mips, capacityMips, spec.mipsPerUnit);
  }
}
