/**
 * What a driver's own CPU costs per request, found out as it works: the CPU energy of every 128
 * requests becomes the price of each of the next 128. What is not yet priced is carried on, so over
 * any time
 *
 *   driver's CPU energy = charged to clients + leftover,     leftover ≥ 0.
 *
 * Power of a driver that serves nobody is its idle power: a moving mean (15/16 old, 1/16 new) over
 * idle periods, from the eleventh in a row on; it is shared over the clients evenly.
 * Source: the L4Ka driver VM's energy accounting (`earm`), of Stoess et al. (2007).
 */
import { assert } from '../errors.ts';

/** Requests between two calibrations. */
export const requestsPerPrice = 128;
/** Idle periods in a row before the idle power is believed. */
const settlingPeriods = 10;

const cells = {
  gatheredJ: 0,
  priceJ: 1,
  atPrice: 2,
  idleW: 3,
  idlePeriods: 4,
  chargedJ: 5,
} as const;

/** Prices of one driver; its state is six floats. */
export class RequestCost {
  static readonly length = 6;
  readonly #state: Float64Array;

  constructor(state: Float64Array = new Float64Array(RequestCost.length)) {
    assert(state.length === RequestCost.length, () => `${state.length} floats for a request cost`);
    this.#state = state;
  }

  /** CPU energy of one request at the present price, J. */
  get priceJ(): number {
    return this.#state[cells.priceJ]!;
  }

  /** Power of the driver without requests, W; 0 until it was seen idle long enough. */
  get idleW(): number {
    return this.#state[cells.idleW]!;
  }

  /** Energy that was metered and is not charged yet, J. */
  get leftoverJ(): number {
    const { priceJ, gatheredJ, atPrice } = cells;
    const state = this.#state;
    const priced = state[priceJ]! * (requestsPerPrice - state[atPrice]!);
    return state[gatheredJ]! + priced;
  }

  /** Energy charged to clients so far, J. */
  get chargedJ(): number {
    return this.#state[cells.chargedJ]!;
  }

  /**
   * One period: takes in the driver's CPU energy, hands it on to the clients.
   *
   * @param cpuJ CPU energy of the driver in the period, beyond its share of the CPU's idle power.
   * @param requests Requests served per client; whole numbers.
   * @param baseJ Receives each client's share of the driver's idle power.
   * @param accessJ Receives each client's requests at their price.
   */
  period(
    elapsedS: number,
    cpuJ: number,
    requests: ArrayLike<number>,
    baseJ: Float64Array,
    accessJ: Float64Array,
  ): void {
    const state = this.#state;
    const clients = requests.length;
    let count = 0;
    for (let client = 0; client < clients; client++) count += requests[client]!;
    this.#watchIdle(elapsedS, cpuJ, count);
    const idleJ = clients === 0 ? 0 : Math.min(cpuJ, state[cells.idleW]! * elapsedS);
    for (let client = 0; client < clients; client++) baseJ[client]! += idleJ / clients;
    state[cells.chargedJ]! += idleJ;
    state[cells.gatheredJ]! += cpuJ - idleJ;
    for (let client = 0; client < clients; client++) {
      accessJ[client]! += this.#serve(requests[client]!);
    }
  }

  #watchIdle(elapsedS: number, cpuJ: number, requests: number): void {
    const state = this.#state;
    if (requests > 0) {
      state[cells.idlePeriods] = 0;
      return;
    }
    state[cells.idlePeriods]!++;
    const seen = state[cells.idlePeriods]! - settlingPeriods;
    if (seen <= 0) return;
    const powerW = cpuJ / elapsedS;
    const first = seen === 1 && state[cells.idleW] === 0;
    state[cells.idleW] = first ? powerW : (15 * state[cells.idleW]! + powerW) / 16;
  }

  /** Price of `count` requests, across calibrations, J. */
  #serve(count: number): number {
    const state = this.#state;
    let left = count;
    let sum = 0;
    while (left > 0) {
      const now = Math.min(left, requestsPerPrice - state[cells.atPrice]!);
      sum += now * state[cells.priceJ]!;
      state[cells.atPrice]! += now;
      left -= now;
      if (state[cells.atPrice] !== requestsPerPrice) continue;
      state[cells.priceJ] = state[cells.gatheredJ]! / requestsPerPrice;
      state[cells.gatheredJ] = 0;
      state[cells.atPrice] = 0;
    }
    state[cells.chargedJ]! += sum;
    return sum;
  }
}
