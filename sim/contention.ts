/**
 * CPU contention on one host: weighted max-min fairness with caps.
 *
 * Each VM or task i asks for at most cap_i and has weight w_i. With capacity C, the level L is the
 * largest with Σ min(cap_i, L·w_i) ≤ C, and i receives min(cap_i, L·w_i). Without contention
 * (Σ cap_i ≤ C) L is infinite. Exact up to floating point; same rule as SimGrid 3.32's CPU model.
 */

/**
 * Water level for claims given as arrays.
 *
 * @param caps Most each claim can use, MIPS, first `count` entries.
 * @param weights Positive weight of each claim with a positive cap.
 * @returns Level in MIPS per unit of weight; Infinity when all caps fit into `capacity`.
 */
export function waterLevel(
  caps: Float64Array,
  weights: Float64Array,
  count: number,
  capacity: number,
): number {
  let capSum = 0;
  let weightSum = 0;
  for (let claim = 0; claim < count; claim++) {
    capSum += caps[claim]!;
    if (caps[claim]! > 0) weightSum += weights[claim]!;
  }
  if (capSum <= capacity) return Infinity;
  let level = capacity / weightSum;
  // Each pass satisfies at least one more claim or ends, so there are at most `count` passes.
  for (let pass = 0; pass < count; pass++) {
    let left = capacity;
    let weightLeft = 0;
    for (let claim = 0; claim < count; claim++) {
      const cap = caps[claim]!;
      if (cap <= level * weights[claim]!) left -= cap;
      else weightLeft += weights[claim]!;
    }
    if (weightLeft <= 0) break;
    const next = left / weightLeft;
    if (next <= level) break;
    level = next;
  }
  return level;
}

/**
 * The same level for the VMs in `slots[start … start + count - 1]`, straight from their columns.
 *
 * @param coreMips Core speed at the present P-state; a VM's cap is
 *   min(asked, running vCPUs × coreMips).
 * @param capSum Σ caps, known to exceed `capacity`.
 */
export function slotWaterLevel(
  slots: Int32Array,
  start: number,
  count: number,
  asked: Float64Array,
  threads: Int32Array,
  weights: Float64Array,
  coreMips: number,
  capacity: number,
): number {
  const end = start + count;
  let weightSum = 0;
  for (let slot = start; slot < end; slot++) {
    const vm = slots[slot]!;
    if (asked[vm]! > 0) weightSum += weights[vm]!;
  }
  let level = capacity / weightSum;
  for (let pass = 0; pass < count; pass++) {
    let left = capacity;
    let weightLeft = 0;
    for (let slot = start; slot < end; slot++) {
      const vm = slots[slot]!;
      const weight = weights[vm]!;
      const top = threads[vm]! * coreMips;
      const want = asked[vm]!;
      const cap = want < top ? want : top;
      if (cap <= level * weight) left -= cap;
      else weightLeft += weight;
    }
    if (weightLeft <= 0) break;
    const next = left / weightLeft;
    if (next <= level) break;
    level = next;
  }
  return level;
}
