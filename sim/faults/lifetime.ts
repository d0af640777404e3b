/**
 * Times to failure and to repair: distributions of times from 0 up, drawn from a seed and an index, so
 * that a draw is the same whenever and in whatever order it is made.
 *
 * | type | parameters | drawn as |
 * |---|---|---|
 * | constant | mean | mean |
 * | exponential | mean | −mean·ln u |
 * | weibull | mean, shape k | λ·(−ln u)^(1/k), λ = mean / Γ(1 + 1/k) |
 * | lognormal | mean, scv | exp(µ + σz), σ² = ln(1 + scv), µ = ln mean − σ²/2 |
 * | gamma | mean, shape k | mean/k times Marsaglia & Tsang's (ACM TOMS 26(3), 2000) |
 *
 * `scv` is variance / mean². With shape below 1 failures come in bursts (what is measured of real
 * machines: Weibull 0.7 to 0.8, Schroeder & Gibson, DSN 2006), with 1 both are exponential.
 */
import { assert } from '../errors.ts';
import { exp, log } from '../numbers/exact-math.ts';
import { drawFloat } from '../requests/draws.ts';

export type LifetimeSpec =
  | { readonly type: 'constant' | 'exponential'; readonly mean: number }
  | { readonly type: 'weibull' | 'gamma'; readonly mean: number; readonly shape: number }
  | { readonly type: 'lognormal'; readonly mean: number; readonly scv: number };

/** @throws InvariantError for a mean or shape that is no positive number. */
export function checkLifetime(spec: LifetimeSpec): void {
  const isPositive = (value: number): boolean => value > 0 && value < Infinity;
  assert(
    spec.mean === Infinity || isPositive(spec.mean),
    () => `a ${spec.type} lifetime has a mean of ${spec.mean} ms`,
  );
  if (spec.type === 'weibull' || spec.type === 'gamma') {
    assert(spec.shape >= 0.05, () => `a ${spec.type} lifetime has shape ${spec.shape}`);
    assert(isPositive(spec.shape), () => `a ${spec.type} lifetime has shape ${spec.shape}`);
  }
  if (spec.type === 'lognormal') {
    assert(
      spec.scv >= 0 && spec.scv < Infinity,
      () => `a lognormal lifetime has a squared coefficient of variation of ${spec.scv}`,
    );
  }
}

/** Draws one lifetime may take: indices `number × lifetimeDraws` on. */
export const lifetimeDraws = 1024;

/** Lifetime `number` of `seed`, in the unit of the mean; Infinity where the mean is. */
export function drawLifetime(spec: LifetimeSpec, seed: number, number: number): number {
  const index = number * lifetimeDraws;
  const { mean } = spec;
  if (mean === Infinity) return Infinity;
  switch (spec.type) {
    case 'constant':
      return mean;
    case 'exponential':
      return -mean * log(drawFloat(seed, index));
    case 'weibull': {
      const scale = mean / exp(logGamma(1 + 1 / spec.shape));
      return scale * exp(log(-log(drawFloat(seed, index))) / spec.shape);
    }
    case 'lognormal': {
      const variance = log(1 + spec.scv);
      const { value } = drawNormal(seed, index);
      return exp(log(mean) - variance / 2 + Math.sqrt(variance) * value);
    }
    case 'gamma':
      return (mean / spec.shape) * drawGamma(spec.shape, seed, index);
  }
}

/** Standard gamma of this shape; below 1 by that of shape + 1. */
function drawGamma(shape: number, seed: number, index: number): number {
  if (shape < 1) {
    const power = exp(log(drawFloat(seed, index)) / shape);
    return power * drawGamma(shape + 1, seed, index + 1);
  }
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (let at = index; ; ) {
    const normal = drawNormal(seed, at);
    at = normal.next + 1;
    const root = 1 + c * normal.value;
    if (root <= 0) continue;
    const v = root * root * root;
    const squared = normal.value * normal.value;
    if (log(drawFloat(seed, normal.next)) < squared / 2 + d * (1 - v + log(v))) return d * v;
  }
}

/** Standard normal by Marsaglia's polar method, and the first index it did not use. */
function drawNormal(
  seed: number,
  index: number,
): { readonly value: number; readonly next: number } {
  for (let at = index; ; at += 2) {
    const x = 2 * drawFloat(seed, at) - 1;
    const y = 2 * drawFloat(seed, at + 1) - 1;
    const squared = x * x + y * y;
    if (squared > 0 && squared < 1) {
      return { value: x * Math.sqrt((-2 * log(squared)) / squared), next: at + 2 };
    }
  }
}

/** Terms of Lanczos' series for g = 7 (Godfrey): relative error below 1e-14 from 0.5 up. */
const lanczos = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313,
  -176.61502916214059, 12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6,
  1.5056327351493116e-7,
] as const;

/** ln Γ(x) for x from 1 up. */
export function logGamma(x: number): number {
  const shifted = x - 1;
  let sum: number = lanczos[0];
  for (let term = 1; term < lanczos.length; term++) sum += lanczos[term]! / (shifted + term);
  const t = shifted + 7.5;
  return 0.5 * log(2 * Math.PI) + (shifted + 0.5) * log(t) - t + log(sum);
}
