/**
 * A power limit on a VM's disk by the number of requests it may send per window. The loop feels its
 * way like a secant search: it speeds up while it moves in the right direction and turns back by a
 * quarter of the last step when it has gone too far. d is the allowance, d′ the one before:
 *
 *   power > budget + band    d −= (d − d′)/4 + 1    when it was rising
 *                            d −= 4·(d′ − d)/3 + 1  else
 *   power < budget − band    the mirror image
 *
 * in whole requests, d ∈ [1, 6000]. Source: the L4Ka energy manager (`earm`): every 200 ms, dead band
 * 100 mW, allowance per three timer ticks. Beyond the source: an allowance above what the VM uses
 * limits nothing, so when a VM is over its budget the search starts from what it used.
 */
import { assert } from '../../errors.ts';

export interface ThrottleRule {
  readonly least: number;
  readonly most: number;
  readonly bandW: number;
}

export const defaultThrottle: ThrottleRule = { least: 1, most: 6000, bandW: 0.1 };

/** Allowances of all VMs, requests per window. */
export class DiskThrottle {
  readonly vms: number;
  readonly rule: ThrottleRule;
  /** [vms × 2] The allowance and the one before. */
  readonly #state: Float64Array;

  constructor(
    vms: number,
    rule: ThrottleRule = defaultThrottle,
    state: Float64Array = new Float64Array(2 * vms).fill(rule.most),
  ) {
    assert(state.length === 2 * vms, () => `${state.length} floats for ${vms} VMs`);
    this.vms = vms;
    this.rule = rule;
    this.#state = state;
  }

  /** Requests that `vm` may send per window. */
  allowance(vm: number): number {
    return this.#state[2 * vm]!;
  }

  /**
   * One step of the loop for `vm`.
   *
   * @param powerW What it drew since the last step.
   * @param budgetW Its limit; Infinity for none.
   * @param usedPerWindow Requests per window that it sent since the last step.
   */
  adjust(vm: number, powerW: number, budgetW: number, usedPerWindow: number): void {
    const { least, most, bandW } = this.rule;
    if (budgetW === Infinity) {
      this.#set(vm, most, most);
      return;
    }
    let now = this.#state[2 * vm]!;
    let before = this.#state[2 * vm + 1]!;
    if (powerW > budgetW + bandW) {
      const used = Math.max(least, Math.ceil(usedPerWindow));
      if (now > used) {
        now = used;
        before = used;
      }
      const rising = now > before;
      const step = rising ? (now - before) / 4 : (4 * (before - now)) / 3;
      this.#set(vm, Math.max(least, now - Math.floor(step) - 1), now);
    } else if (powerW < budgetW - bandW) {
      const falling = now < before;
      const step = falling ? (before - now) / 4 : (4 * (now - before)) / 3;
      this.#set(vm, Math.min(most, now + Math.floor(step) + 1), now);
    }
  }

  #set(vm: number, now: number, before: number): void {
    this.#state[2 * vm] = now;
    this.#state[2 * vm + 1] = before;
  }
}
