/**
 * Which VM runs next, by tickets that energy makes cheaper or dearer. With ticket t of a VM and power
 * p in W its effective ticket is
 *
 *   TIME   t                      CPU time in proportion to tickets
 *   EASA   1 + 100·t / (p + 1)    p = energy per own run time: energy in proportion to tickets
 *   EASV   1 + 100·t / (p + 1)    p = energy per wall time: half-way, CPU time ∝ √(t / p)
 *
 * p is a moving mean, 20 % new every 20 ticks. The next VM is drawn by lottery or taken by stride
 * (lowest pass first, then lowest id). Under a cap c of the machine's active power nobody runs in a
 * fraction 1 − c / a of the ticks, a the power of the ticks in which somebody runs.
 *
 * Source: the L4Ka scheduler's energy modes (`schedule.cc`). There a includes the idle ticks, which
 * settles at √(c · a) instead of c; here it does not, so the cap holds.
 */
import { assert } from '../../errors.ts';
import { nextFloat } from '../../numbers/rng.ts';

export const energyModes = ['time', 'easa', 'easv'] as const;
export type EnergyMode = (typeof energyModes)[number];

export interface SchedulerOptions {
  readonly mode: EnergyMode;
  readonly draw: 'lottery' | 'stride';
  /** Length of a tick, s. */
  readonly tickS: number;
  /** Most active power of the machine, W. @default Infinity */
  readonly capW?: number;
}

const ticksPerMean = 20;
const newPart = 0.2;
const perVm = 6;
const cells = { tickets: 0, meanW: 1, energyJ: 2, ticks: 3, pass: 4, seen: 5 } as const;
const common = { tick: 0, energyJ: 1, ticks: 2, meanW: 3, idleDebt: 4 } as const;
const commonCount = 5;

/** The scheduler of one CPU; all its state is one column of floats and one random stream. */
export class EnergyScheduler {
  readonly vms: number;
  readonly options: SchedulerOptions;
  readonly #state: Float64Array;
  readonly #words: Uint32Array;
  readonly #offset: number;

  /**
   * @param tickets One per VM, positive.
   * @param words Random streams (see `rng.ts`), used from `offset` on by the lottery alone.
   * @param state `EnergyScheduler.length(vms)` floats.
   */
  constructor(
    tickets: ArrayLike<number>,
    options: SchedulerOptions,
    words: Uint32Array,
    offset: number,
    state: Float64Array = new Float64Array(EnergyScheduler.length(tickets.length)),
  ) {
    this.vms = tickets.length;
    this.options = options;
    this.#state = state;
    this.#words = words;
    this.#offset = offset;
    assert(state.length === EnergyScheduler.length(this.vms), () => `${state.length} floats`);
    for (let vm = 0; vm < this.vms; vm++) {
      assert(tickets[vm]! > 0, () => `VM ${vm} has ${tickets[vm]} tickets`);
      state[this.#cell(vm, cells.tickets)] = tickets[vm]!;
    }
  }

  static length(vms: number): number {
    return commonCount + vms * perVm;
  }

  /** VM for the next tick among those with a 1 in `runnable`; -1 leaves the CPU halted. */
  pick(runnable: ArrayLike<number>): number {
    if (this.#haltsForCap()) return -1;
    return this.options.draw === 'lottery' ? this.#draw(runnable) : this.#lowestPass(runnable);
  }

  /** Ends the tick in which `vm` (-1: nobody) ran and took `energyJ`. */
  account(vm: number, energyJ: number): void {
    const state = this.#state;
    if (vm >= 0) {
      state[this.#cell(vm, cells.energyJ)]! += energyJ;
      state[this.#cell(vm, cells.ticks)]!++;
      state[common.energyJ]! += energyJ;
      state[common.ticks]!++;
    }
    state[common.tick]!++;
    if (state[common.tick]! % ticksPerMean === 0) this.#renewMeans();
  }

  /** Moving mean of the VM's power that its tickets are weighed by, W. */
  powerW(vm: number): number {
    return this.#state[this.#cell(vm, cells.meanW)]!;
  }

  effectiveTickets(vm: number): number {
    const tickets = this.#state[this.#cell(vm, cells.tickets)]!;
    if (this.options.mode === 'time') return tickets;
    return 1 + (100 * tickets) / (this.powerW(vm) + 1);
  }

  #haltsForCap(): boolean {
    const { capW = Infinity, draw } = this.options;
    const state = this.#state;
    const powerW = state[common.meanW]!;
    const halted = powerW > capW ? 1 - capW / powerW : 0;
    if (halted === 0) return false;
    if (draw === 'lottery') return nextFloat(this.#words, this.#offset) < halted;
    state[common.idleDebt]! += halted;
    if (state[common.idleDebt]! < 1) return false;
    state[common.idleDebt]!--;
    return true;
  }

  #draw(runnable: ArrayLike<number>): number {
    let sum = 0;
    for (let vm = 0; vm < this.vms; vm++) if (runnable[vm]) sum += this.effectiveTickets(vm);
    if (sum === 0) return -1;
    let left = nextFloat(this.#words, this.#offset) * sum;
    let last = -1;
    for (let vm = 0; vm < this.vms; vm++) {
      if (!runnable[vm]) continue;
      last = vm;
      left -= this.effectiveTickets(vm);
      if (left < 0) break;
    }
    return last;
  }

  #lowestPass(runnable: ArrayLike<number>): number {
    const state = this.#state;
    let best = -1;
    let running = Infinity;
    for (let vm = 0; vm < this.vms; vm++) {
      if (!runnable[vm]) continue;
      const pass = state[this.#cell(vm, cells.pass)]!;
      if (pass >= running) continue;
      best = vm;
      running = pass;
    }
    if (best < 0) return -1;
    // Who did not want the CPU meanwhile must not make up for it.
    for (let vm = 0; vm < this.vms; vm++) {
      const at = this.#cell(vm, cells.pass);
      if (!runnable[vm] && state[at]! < running) state[at] = running;
    }
    state[this.#cell(best, cells.pass)]! += 1 / this.effectiveTickets(best);
    return best;
  }

  #renewMeans(): void {
    const state = this.#state;
    const { tickS, mode } = this.options;
    for (let vm = 0; vm < this.vms; vm++) {
      const ticks = mode === 'easv' ? ticksPerMean : state[this.#cell(vm, cells.ticks)]!;
      const energyJ = state[this.#cell(vm, cells.energyJ)]!;
      state[this.#cell(vm, cells.energyJ)] = 0;
      state[this.#cell(vm, cells.ticks)] = 0;
      if (ticks > 0) this.#mean(this.#cell(vm, cells.meanW), vm, energyJ / (ticks * tickS));
    }
    const ticks = state[common.ticks]!;
    if (ticks > 0) {
      const powerW = state[common.energyJ]! / (ticks * tickS);
      const before = state[common.meanW]!;
      state[common.meanW] = before === 0 ? powerW : before + newPart * (powerW - before);
    }
    state[common.energyJ] = 0;
    state[common.ticks] = 0;
  }

  /** The first reading is taken as it is. */
  #mean(at: number, vm: number, powerW: number): void {
    const state = this.#state;
    const seen = this.#cell(vm, cells.seen);
    state[at]! += (state[seen] === 0 ? 1 : newPart) * (powerW - state[at]!);
    state[seen] = 1;
  }

  #cell(vm: number, cell: number): number {
    return commonCount + vm * perVm + cell;
  }
}
