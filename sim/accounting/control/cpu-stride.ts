/**
 * A power limit on a VM's CPU by its stride: the longer the stride, the rarer the VM runs; what it may
 * not use goes to a thread that halts the CPU, so it turns into real idling.
 *
 *   power > budget                              stride += step
 *   power < budget − band, stride > initial     stride −= step
 *   share of the CPU it wants = initial / stride
 *
 * Source: the L4Ka energy manager (`earm`): every 100 ms, step 20, band 1 W. The initial stride is
 * ours: near share s one step changes the share by s²·step/initial, so 500 keeps one step of a VM of
 * 60 W within the band up to s = 0.65.
 */
export interface StrideRule {
  readonly initial: number;
  readonly step: number;
  readonly bandW: number;
}

export const defaultStride: StrideRule = { initial: 500, step: 20, bandW: 1 };

/** Strides of all VMs before any limit acts. */
export function initialStrides(vms: number, rule: StrideRule = defaultStride): Float64Array {
  return new Float64Array(vms).fill(rule.initial);
}

/** One step of the loop for every VM: `powerW` is what it drew since the last. */
export function adjustStrides(
  strides: Float64Array,
  powerW: ArrayLike<number>,
  budgetW: ArrayLike<number>,
  rule: StrideRule = defaultStride,
): void {
  for (let vm = 0; vm < strides.length; vm++) {
    const power = powerW[vm]!;
    const budget = budgetW[vm]!;
    if (power > budget) strides[vm]! += rule.step;
    else if (power < budget - rule.bandW && strides[vm]! > rule.initial) {
      strides[vm] = Math.max(rule.initial, strides[vm]! - rule.step);
    }
  }
}

/** Part of the CPU time it wants that a VM gets, in (0, 1]. */
export function strideShare(stride: number, rule: StrideRule = defaultStride): number {
  return rule.initial / stride;
}
