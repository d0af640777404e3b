/**
 * Monotone regression: the non-decreasing values nearest to measured ones, and a host's power as a
 * table of eleven points. Power does not fall when load rises, whatever the meter says.
 *
 *   min Σ w_i (y_i − g_i)²  with g_1 ≤ g_2 ≤ …
 *
 * Neighbours that are out of order are pooled into their mean until none is (pool adjacent violators).
 *
 * @see R. E. Barlow et al., *Statistical Inference under Order Restrictions*, 1972, §1.2.
 */
import { assert } from '../errors.ts';

/**
 * @param values In the order in which they must not fall.
 * @param weights Positive; default 1 each.
 * @returns Fitted values, non-decreasing, of the same length.
 */
export function poolAdjacentViolators(
  values: ArrayLike<number>,
  weights?: ArrayLike<number>,
): Float64Array {
  const { length } = values;
  const means = new Float64Array(length);
  const masses = new Float64Array(length);
  const counts = new Int32Array(length);
  let blocks = 0;
  for (let index = 0; index < length; index++) {
    const weight = weights === undefined ? 1 : weights[index]!;
    assert(weight > 0, () => `weight ${weight} at ${index}`);
    means[blocks] = values[index]!;
    masses[blocks] = weight;
    counts[blocks] = 1;
    blocks++;
    while (blocks > 1 && means[blocks - 2]! > means[blocks - 1]!) {
      const [left, right] = [blocks - 2, blocks - 1];
      const mass = masses[left]! + masses[right]!;
      means[left] = (means[left]! * masses[left]! + means[right]! * masses[right]!) / mass;
      masses[left] = mass;
      counts[left]! += counts[right]!;
      blocks--;
    }
  }
  const fitted = new Float64Array(length);
  let at = 0;
  for (let block = 0; block < blocks; block++) {
    fitted.fill(means[block]!, at, at + counts[block]!);
    at += counts[block]!;
  }
  return fitted;
}

/**
 * Power of one host at 0, 10, …, 100 % load from scattered samples, non-decreasing: the samples'
 * monotone regression, read off by straight lines between the centres of its pooled blocks. Beyond
 * the loads that were seen the table goes on with the slope of the whole seen range.
 *
 * @param utilization In [0, 1], [samples].
 * @param powerW [samples].
 * @returns W, length 11; `undefined` when the samples span less than a tenth of the load.
 */
export function isotonicTable(
  utilization: ArrayLike<number>,
  powerW: ArrayLike<number>,
): Float64Array | undefined {
  const order = Array.from({ length: utilization.length }, (_, index) => index).sort(
    (a, b) => utilization[a]! - utilization[b]!,
  );
  const fitted = poolAdjacentViolators(order.map((sample) => powerW[sample]!));
  const centres: { load: number; watts: number; count: number }[] = [];
  order.forEach((sample, index) => {
    const last = centres.at(-1);
    const load = utilization[sample]!;
    if (last !== undefined && last.watts === fitted[index]) {
      last.load += (load - last.load) / ++last.count;
    } else if (last !== undefined && last.load === load) {
      last.watts += (fitted[index]! - last.watts) / ++last.count;
    } else centres.push({ load, watts: fitted[index]!, count: 1 });
  });
  const [first, last] = [centres[0], centres.at(-1)];
  if (first === undefined || last === undefined || last.load - first.load < 0.1) return undefined;
  const slope = (last.watts - first.watts) / (last.load - first.load);
  const table = new Float64Array(11);
  let right = 1;
  for (let point = 0; point <= 10; point++) {
    const load = point / 10;
    if (load <= first.load) table[point] = first.watts - slope * (first.load - load);
    else if (load >= last.load) table[point] = last.watts + slope * (load - last.load);
    else {
      while (centres[right]!.load < load) right++;
      const [a, b] = [centres[right - 1]!, centres[right]!];
      table[point] = a.watts + ((load - a.load) / (b.load - a.load)) * (b.watts - a.watts);
    }
    table[point] = Math.max(0, table[point]!);
  }
  return poolAdjacentViolators(table);
}
