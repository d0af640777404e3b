/** What the fuzzer checks beside the invariants: meters kept by other means, columns, and hangs. */
import { deliveredMips, settleAll, type Twin, vmStatus } from '../../sim/index.ts';
import { copyingLoss } from '../../sim/migration/effects.ts';

/** A check that did not hold; its message says what was found. */
export class CheckError extends Error {
  override readonly name = 'CheckError';
}

/** @throws CheckError unless `holds`. */
export function check(holds: boolean, message: () => string): void {
  if (!holds) throw new CheckError(message());
}

/** Equal but for the rounding of sums taken in another order. */
function near(a: number, b: number, scale: number): boolean {
  return Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a), Math.abs(b), scale);
}

/**
 * Energy, work and demand summed up event by event from the rates that hold, in the plainest way.
 * At the end they must be what the twin's own meters say.
 */
export class PlainMeters {
  readonly #twin: Twin;
  readonly #energyJ: Float64Array;
  readonly #powerW: Float64Array;
  readonly #workMi: Float64Array;
  readonly #workMips: Float64Array;
  readonly #demandMi: Float64Array;
  readonly #demandMips: Float64Array;
  #sinceMs: number;

  constructor(twin: Twin) {
    const { hosts, vms } = twin.model;
    this.#twin = twin;
    this.#energyJ = new Float64Array(hosts);
    this.#powerW = new Float64Array(hosts);
    this.#workMi = new Float64Array(vms);
    this.#workMips = new Float64Array(vms);
    this.#demandMi = new Float64Array(vms);
    this.#demandMips = new Float64Array(vms);
    this.#sinceMs = twin.nowMs;
    this.read();
  }

  /** Call after every change. */
  read(): void {
    const { model, state, nowMs } = this.#twin;
    const elapsedS = (nowMs - this.#sinceMs) / 1000;
    this.#sinceMs = nowMs;
    for (let host = 0; host < model.hosts; host++) {
      this.#energyJ[host]! += this.#powerW[host]! * elapsedS;
      this.#powerW[host] = state.hostPowerW[host]!;
    }
    for (let vm = 0; vm < model.vms; vm++) {
      this.#workMi[vm]! += this.#workMips[vm]! * elapsedS;
      this.#demandMi[vm]! += this.#demandMips[vm]! * elapsedS;
      const status = state.vmStatus[vm]!;
      const there = status !== vmStatus.absent && status !== vmStatus.departed;
      this.#demandMips[vm] = there ? state.vmAskedMips[vm]! : 0;
      this.#workMips[vm] = there
        ? deliveredMips(this.#twin, vm) * (1 - copyingLoss(this.#twin, vm))
        : 0;
    }
  }

  /** Settles the twin. @throws CheckError naming the host or VM, with both sums. */
  compare(): void {
    const twin = this.#twin;
    const { model, state } = twin;
    this.read();
    settleAll(twin);
    for (let host = 0; host < model.hosts; host++) {
      const told = state.hostEnergyJ[host]!;
      const own = this.#energyJ[host]!;
      check(near(told, own, 0), () => `host ${host} took ${told} J, event by event ${own} J`);
    }
    for (let vm = 0; vm < model.vms; vm++) {
      const demanded = state.vmDemandedMi[vm]!;
      const own = this.#demandMi[vm]!;
      check(
        near(demanded, own, 0),
        () => `VM ${vm} asked for ${demanded} MIPS·s, event by event ${own}`,
      );
      // What requests lose is counted by request.
      if ((model.requests.vmQueue[vm] ?? -1) >= 0) continue;
      const lost = state.vmShortMi[vm]! + state.vmDegradedMi[vm]!;
      const sum = this.#workMi[vm]! + lost;
      check(
        near(sum, demanded, 0),
        () =>
          `VM ${vm} asked for ${demanded} MIPS·s, got ${this.#workMi[vm]}, ` +
          `short of ${state.vmShortMi[vm]}, lost ${state.vmDegradedMi[vm]}`,
      );
    }
    this.#compareHosts();
  }

  #compareHosts(): void {
    const { model, state, nowMs } = this.#twin;
    const slack = 1 + 1e-9;
    for (let host = 0; host < model.hosts; host++) {
      const rising: readonly (readonly [string, number, number])[] = [
        ['work and capacity', state.hostWorkMi[host]!, state.hostCapacityMi[host]!],
        ['overloaded and active ms', state.hostOverloadMs[host]!, state.hostActiveMs[host]!],
        ['active and on ms', state.hostActiveMs[host]!, state.hostOnMs[host]!],
        ['on and elapsed ms', state.hostOnMs[host]!, nowMs],
      ];
      for (const [what, less, more] of rising) {
        check(less <= more * slack + 1e-6, () => `host ${host}: ${what} are ${less} and ${more}`);
      }
    }
  }
}

/** Columns that may hold values below 0: what is left may end below it by rounding, ids may be -1. */
const signed = new Set([
  'taskRemaining',
  'flowRemainingBytes',
  'hostTemperatureC',
  'governorMemory',
  'queueAskedMips',
  'clockOffsetMs',
  // A round that sends more than was left over leaves rounding.
  'migrationLeftBytes',
]);

/** Every number in every column is one, and none is negative that must not be. */
export function checkColumns(twin: Twin): void {
  const { state } = twin;
  const groups: readonly object[] = [state, state.domains, state.requests, state.faults];
  for (const group of groups) {
    for (const [name, column] of Object.entries(group)) {
      if (column instanceof Float64Array && name !== 'float64') checkFloats(name, column);
      else if (column instanceof Int32Array && name !== 'int32') checkIntegers(name, column);
    }
  }
}

function checkFloats(name: string, column: Float64Array): void {
  for (let row = 0; row < column.length; row++) {
    const value = column[row]!;
    check(!Number.isNaN(value), () => `${name}[${row}] is NaN`);
    check(value >= 0 || signed.has(name), () => `${name}[${row}] is ${value}`);
  }
}

function checkIntegers(name: string, column: Int32Array): void {
  for (let row = 0; row < column.length; row++) {
    check(column[row]! >= -1, () => `${name}[${row}] is ${column[row]}`);
  }
}

/** Sees that the clock goes on: events that lead to no later time for ever are a hang. */
export class HangGuard {
  readonly #fromMs: Float64Array;
  #count = 0;
  readonly #leastMs: number;

  /**
   * @param window So many events in a row must take at least `leastMs` of simulated time.
   */
  constructor(window: number, leastMs: number) {
    this.#fromMs = new Float64Array(window).fill(-Infinity);
    this.#leastMs = leastMs;
  }

  /** Call after every event. @throws CheckError with the timers that are due. */
  see(twin: Twin): void {
    const { nowMs, state } = twin;
    const place = this.#count % this.#fromMs.length;
    const elapsedMs = nowMs - this.#fromMs[place]!;
    this.#fromMs[place] = nowMs;
    this.#count++;
    check(elapsedMs > this.#leastMs, () => {
      const due = Array.from({ length: state.heapSize[0]! }, (_, at) => state.heap[at]!)
        .filter((timer) => state.timerMs[timer]! <= nowMs + this.#leastMs)
        .map((timer) => timerName(twin, timer));
      return `${this.#fromMs.length} events in ${elapsedMs} ms at ${nowMs} ms; due: ${due.join(', ')}`;
    });
  }
}

/** `governor 3`: the kind of owner and its number. */
export function timerName(twin: Twin, timer: number): string {
  const ranges = Object.entries(twin.timers)
    .filter(([name]) => name !== 'end')
    .sort(([, a], [, b]) => b - a);
  const [name, first] = ranges.find(([, start]) => start <= timer) ?? ['timer', 0];
  return `${name} ${timer - first}`;
}
