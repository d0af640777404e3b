/**
 * Recursive charging: domains that work for others pass their energy on to them, through chains of
 * any length (client ← I/O thread ← host kernel) and in circles.
 *
 * Idea: domain s passes its energy on in proportion to the weights w[s, ·]; w[s, s] is what it keeps.
 * What ends up with whom solves  t = e + Wᵀ t  (W the passing fractions). The services are eliminated
 * one after the other: a service's energy, and every flow into it, is redirected to where it would
 * send it. Only sums, products and quotients of non-negative numbers occur, so no digit cancels, and
 * nothing is negative (Grassmann, Taksar & Heyman, Operations Research 33(5), 1985).
 *
 * Valid for weights that hold for the whole energy passed in; base and access energy usually have
 * different ones, so call it once for each. Cost: O(domains²) per domain that passes anything on.
 */
import { assert, inputError } from '../errors.ts';

/**
 * @param energyJ What each domain spent itself, J, at least 0.
 * @param weights [domains × domains] Row s: how domain s divides its energy, any unit. A row of
 *   zeros keeps everything.
 * @returns What each domain has to pay in the end; sums to the same total.
 * @throws InputError when energy runs in a circle that nobody takes it out of.
 */
export function passOn(energyJ: Float64Array, weights: Float64Array): Float64Array {
  const n = energyJ.length;
  assert(weights.length === n * n, () => `${weights.length} weights for ${n} domains`);
  const paysJ = new Float64Array(n);
  const openJ = energyJ.slice();
  const open = weights.slice();
  const kept = new Float64Array(n);
  // Who keeps what of a service's flow: its own part, and clients that pass nothing on.
  const keeps = new Float64Array(n * n);
  const passes = new Uint8Array(n);
  for (let s = 0; s < n; s++) {
    for (let c = 0; c < n; c++) {
      const weight = weights[s * n + c]!;
      assert(weight >= 0 && weight < Infinity, () => `domain ${s} passes ${weight} to ${c}`);
      if (c !== s && weight > 0) passes[s] = 1;
    }
    assert(energyJ[s]! >= 0, () => `domain ${s} spent ${energyJ[s]} J`);
    kept[s] = weights[s * n + s]!;
  }
  for (let s = 0; s < n; s++) {
    if (passes[s] === 0) {
      paysJ[s]! += openJ[s]!;
      continue;
    }
    keeps[s * n + s] = kept[s]!;
    open[s * n + s] = 0;
    for (let c = 0; c < n; c++) {
      if (passes[c] === 1) continue;
      keeps[s * n + c]! += open[s * n + c]!;
      open[s * n + c] = 0;
    }
  }
  for (let s = 0; s < n; s++) if (passes[s] === 1) eliminate(s, n, open, keeps, openJ, paysJ);
  return paysJ;
}

/** Redirects everything that reaches service `s`, now and by later flows. */
function eliminate(
  s: number,
  n: number,
  open: Float64Array,
  keeps: Float64Array,
  openJ: Float64Array,
  paysJ: Float64Array,
): void {
  let out = 0;
  for (let c = 0; c < n; c++) out += keeps[s * n + c]! + (c === s ? 0 : open[s * n + c]!);
  if (!(out > 0)) {
    throw inputError(
      `domain ${s}`,
      'energy that in the end reaches someone who keeps it',
      'domains that pass everything on in a circle',
    );
  }
  for (let c = 0; c < n; c++) {
    const keep = keeps[s * n + c]! / out;
    const pass = c === s ? 0 : open[s * n + c]! / out;
    paysJ[c]! += openJ[s]! * keep;
    openJ[c]! += openJ[s]! * pass;
    for (let i = s + 1; i < n; i++) {
      const flow = open[i * n + s]!;
      if (flow === 0) continue;
      keeps[i * n + c]! += flow * keep;
      open[i * n + c]! += flow * pass;
    }
  }
  openJ[s] = 0;
  for (let i = s + 1; i < n; i++) open[i * n + s] = 0;
}
