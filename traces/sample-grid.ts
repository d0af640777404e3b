/**
 * Samples of many VMs, in any order, summed up on one grid as they come: memory grows with VMs ×
 * rows, never with samples.
 *
 * Row r of the grid is the time from r to r + 1 intervals, counted from the trace's own time 0. A
 * VM's cells reach from its first to its last sample; those between without a sample are gaps.
 */
import { inputError } from '../sim/index.ts';
import { demandCellsMax } from './quantize.ts';

/** Cells of one VM, [last − first + 1] in a longer array. */
interface VmCells {
  /** Row of element 0 of the arrays. */
  base: number;
  /** First and last row with a sample; last < first when there is none. */
  first: number;
  last: number;
  /** Σ value × weight. */
  sums: Float64Array;
  /** Σ weight. */
  weights: Float64Array;
}

/** Largest row number, so that rows stay exact and arrays can be made. */
const rowsMax = 0x7fffffff;

/** Sums and weights of samples per VM and row. */
export class SampleGrid {
  readonly intervalMs: number;
  /** Names of the VMs in the order in which they were first seen. */
  readonly names: string[] = [];
  readonly #vms: VmCells[] = [];
  readonly #index = new Map<string, number>();
  #cells = 0;

  /** @param intervalMs Whole ms, at least 1. */
  constructor(intervalMs: number) {
    this.intervalMs = intervalMs;
  }

  /** The VM's number, a new one when the name is new. */
  vm(name: string): number {
    const known = this.#index.get(name);
    if (known !== undefined) return known;
    const vm = this.names.length;
    this.#index.set(name, vm);
    this.names.push(name);
    const none = new Float64Array(0);
    this.#vms.push({ base: 0, first: 0, last: -1, sums: none, weights: none });
    return vm;
  }

  /** The VM's number; −1 when the name is new. */
  known(name: string): number {
    return this.#index.get(name) ?? -1;
  }

  /**
   * Adds a sample that stands for its moment; the row's value is the mean of its samples.
   *
   * @param timeMs From 0 up.
   * @param place Named when the grid would become too large.
   */
  addPoint(vm: number, timeMs: number, value: number, place: () => string): void {
    const row = Math.floor(timeMs / this.intervalMs);
    this.#add(vm, row, value, 1, place);
  }

  /** Adds a value that held from `fromMs` until `untilMs`, weighted with the time in each row, ms. */
  addSpan(vm: number, fromMs: number, untilMs: number, value: number, place: () => string): void {
    const { intervalMs } = this;
    for (let row = Math.floor(fromMs / intervalMs); row * intervalMs < untilMs; row++) {
      const start = Math.max(fromMs, row * intervalMs);
      const end = Math.min(untilMs, (row + 1) * intervalMs);
      this.#add(vm, row, value * (end - start), end - start, place);
    }
  }

  /** First row of the VM; 0 when it has no sample. */
  firstRow(vm: number): number {
    return this.#vms[vm]!.first;
  }

  /** Row after the VM's last. */
  endRow(vm: number): number {
    return this.#vms[vm]!.last + 1;
  }

  /** Σ value × weight of a cell; 0 outside the VM's rows. */
  sum(vm: number, row: number): number {
    const { base, sums } = this.#vms[vm]!;
    return sums[row - base] ?? 0;
  }

  /** Σ weight of a cell; 0 outside the VM's rows. */
  weight(vm: number, row: number): number {
    const { base, weights } = this.#vms[vm]!;
    return weights[row - base] ?? 0;
  }

  /** Forgets a VM's cells once they are used. */
  release(vm: number): void {
    const cells = this.#vms[vm]!;
    cells.sums = new Float64Array(0);
    cells.weights = new Float64Array(0);
  }

  #add(vm: number, row: number, sum: number, weight: number, place: () => string): void {
    const cells = this.#vms[vm]!;
    let at = row - cells.base;
    if (at < 0 || at >= cells.sums.length) {
      this.#reach(cells, row, place);
      at = row - cells.base;
    }
    cells.sums[at]! += sum;
    cells.weights[at]! += weight;
    if (cells.last < cells.first) cells.first = cells.last = row;
    else if (row > cells.last) cells.last = row;
    else if (row < cells.first) cells.first = row;
  }

  /** Makes room for a row; grows by half, so that each cell is copied a few times at most. */
  #reach(cells: VmCells, row: number, place: () => string): void {
    if (!(row >= 0 && row < rowsMax)) {
      const expected = `a time from 0 to ${rowsMax} intervals of ${this.intervalMs} ms`;
      throw inputError(place(), expected, `row ${row}`);
    }
    const isNew = cells.last < cells.first;
    const first = isNew ? row : Math.min(cells.first, row);
    const end = isNew ? row + 1 : Math.max(cells.last, row) + 1;
    const room = Math.max(16, Math.ceil((end - first) * 1.5));
    this.#cells += room - cells.sums.length;
    if (this.#cells > demandCellsMax) {
      const expected = `times that make at most ${demandCellsMax} cells of ${this.intervalMs} ms`;
      throw inputError(place(), expected, `row ${row} of the grid`);
    }
    // Room is left on the side on which the VM grows.
    const base = !isNew && row < cells.first ? Math.max(0, end - room) : first;
    const grown = (old: Float64Array): Float64Array => {
      const larger = new Float64Array(room);
      if (!isNew) {
        const from = cells.first - cells.base;
        const length = cells.last + 1 - cells.first;
        larger.set(old.subarray(from, from + length), cells.first - base);
      }
      return larger;
    };
    cells.sums = grown(cells.sums);
    cells.weights = grown(cells.weights);
    cells.base = base;
  }
}
