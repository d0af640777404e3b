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
 * @returns Level in MIPS per unit of weight; Infinity when all caps fit into `capacity`, otherwise
 *   `caps` and `weights` have been overwritten.
 */
export function waterLevel(
  caps: Float64Array,
  weights: Float64Array,
  count: number,
  capacity: number,
): number {
  let capSum = 0;
  for (let claim = 0; claim < count; claim++) capSum += caps[claim]!;
  return capSum <= capacity ? Infinity : contendedLevel(caps, weights, count, capacity);
}

/** `waterLevel` of claims that are known not to fit. Overwrites them. */
export function contendedLevel(
  caps: Float64Array,
  weights: Float64Array,
  count: number,
  capacity: number,
): number {
  let left = capacity;
  let open = count;
  let weightOpen = 0;
  for (let claim = 0; claim < count; claim++) {
    if (caps[claim]! > 0) weightOpen += weights[claim]!;
  }
  // Each pass satisfies at least one more claim or ends, so there are at most `count` passes. The
  // claims not yet satisfied are kept at the front, without a branch that nobody could predict.
  for (;;) {
    const level = left / weightOpen;
    let kept = 0;
    let weightKept = 0;
    for (let claim = 0; claim < open; claim++) {
      const cap = caps[claim]!;
      const weight = weights[claim]!;
      const unmet = Number(cap > level * weight);
      caps[kept] = cap;
      weights[kept] = weight;
      kept += unmet;
      weightKept += unmet * weight;
      left -= (1 - unmet) * cap;
    }
    if (kept === open || kept === 0) return level;
    open = kept;
    weightOpen = weightKept;
  }
}
