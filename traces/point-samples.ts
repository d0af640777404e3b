/**
 * Samples of moments, of many VMs in any order: the row's demand is the mean of its samples, gaps
 * hold the last value or are 0.
 */
import { placeSamples, type SampledVm } from './place-samples.ts';
import type { Trace, TraceFormat } from './report.ts';
import { SampleGrid } from './sample-grid.ts';
import type { TableRow } from './table-rows.ts';

/** What a VM turned out to be, before it has a size. */
export interface PointVm {
  readonly name: string;
  /** Largest sample of CPU and of memory, in the trace's unit; 0 when there is none. */
  readonly cpuMax: number;
  readonly memoryMax: number;
}

/** Collects samples as they come; memory grows with VMs × rows. */
export class PointSamples {
  readonly grid: SampleGrid;
  readonly #vmsMax: number;
  readonly #cpuMax: number[] = [];
  readonly #memoryMax: number[] = [];
  readonly #lastMs: number[] = [];
  /** The VM of the row before, and the bytes of its name: rows of one VM often lie together. */
  #name: Uint8Array = new Uint8Array(0);
  #vm = -1;
  /** Samples of a VM that are earlier than the one before. */
  disordered = 0;
  /** Samples of VMs beyond the first so many. */
  beyond = 0;

  constructor(intervalMs: number, vmsMax = Number.POSITIVE_INFINITY) {
    this.grid = new SampleGrid(intervalMs);
    this.#vmsMax = vmsMax;
  }

  /** The VM named in a field; −1 when it is one too many. */
  vmAt(row: TableRow, column: number): number {
    if (this.#vm >= 0 && row.isBytes(column, this.#name)) return this.#vm;
    const name = row.text(column);
    const vm = this.vmNamed(name);
    if (vm >= 0) [this.#vm, this.#name] = [vm, new TextEncoder().encode(name)];
    return vm;
  }

  /** The VM of a name; −1 when it is one too many. */
  vmNamed(name: string): number {
    const count = this.grid.names.length;
    const vm = count < this.#vmsMax ? this.grid.vm(name) : this.grid.known(name);
    if (vm < 0) this.beyond++;
    if (vm === count) {
      this.#cpuMax.push(0);
      this.#memoryMax.push(0);
      this.#lastMs.push(Number.NEGATIVE_INFINITY);
    }
    return vm;
  }

  /** Adds a sample; CPU and memory are from 0 up, memory NaN when the row has none. */
  add(vm: number, timeMs: number, cpu: number, memory: number, place: () => string): void {
    if (timeMs < this.#lastMs[vm]!) this.disordered++;
    this.#lastMs[vm] = timeMs;
    if (cpu > this.#cpuMax[vm]!) this.#cpuMax[vm] = cpu;
    if (memory > this.#memoryMax[vm]!) this.#memoryMax[vm] = memory;
    this.grid.addPoint(vm, timeMs, cpu, place);
  }

  vm(vm: number): PointVm {
    const name = this.grid.names[vm]!;
    return { name, cpuMax: this.#cpuMax[vm]!, memoryMax: this.#memoryMax[vm]! };
  }
}

/** How samples become a workload. */
export interface PointOptions {
  readonly format: TraceFormat;
  readonly name: string;
  readonly path: string;
  readonly files: number;
  readonly rows: number;
  /** Repairs of the reader itself. */
  readonly repairs: Readonly<Record<string, number>>;
  readonly sizeOf: (vm: PointVm) => Omit<SampledVm, 'vm' | 'name'>;
  /** MIPS of a CPU value of 1. */
  readonly mipsOf: (vm: SampledVm) => number;
  readonly gaps: 'hold' | 'zero';
  readonly holdMs: number;
  readonly steps?: number | undefined;
}

/** The workload of the samples. @throws InputError when there is none, or it would be too large. */
export function tracePoints(samples: PointSamples, options: PointOptions): Trace {
  const { format, name, path, files, rows, sizeOf, mipsOf, gaps, holdMs, steps } = options;
  const vms = samples.grid.names.map((vmName, vm) => ({
    vm,
    name: vmName,
    ...sizeOf(samples.vm(vm)),
  }));
  const { workload, repairs } = placeSamples(name, path, samples.grid, vms, {
    mipsOf,
    rows: 'samples',
    gaps,
    holdMs,
    ...(steps === undefined ? {} : { steps }),
  });
  return {
    workload,
    report: {
      format,
      files,
      rows,
      repairs: {
        ...options.repairs,
        'samples earlier than the one before, put in place': samples.disordered,
        'samples of VMs beyond the first, left out': samples.beyond,
        'rows without a sample, last value held': repairs.held,
        'rows without a sample, demand 0': repairs.zeroed,
        'rows above capacity, cut': repairs.cut,
        'VMs without samples in the steps, left out': repairs.leftOut,
      },
    },
  };
}
