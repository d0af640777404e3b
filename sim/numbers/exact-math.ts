/**
 * Elementary functions whose every bit is fixed: only +, −, ×, ÷, comparisons, `Math.floor` and
 * exact scaling by powers of two, all of which IEEE 754 defines to the last bit. The engine's own
 * `Math.exp` and its like may differ between JavaScript engines and versions; these cannot.
 *
 * Idea: split the argument so that a short Taylor series suffices, and carry the rounding errors
 * of the large terms along as a second number ("head + tail", Dekker, *Numerische Mathematik* 18,
 * 1971), so that about one rounding is left at the end.
 *
 *   exp x = 2^k · exp r             x = k·ln 2 + r, |r| ≤ ½ ln 2
 *   log x = e·ln 2 + 2 artanh s     x = 2^e·m, m in [√½, √2), s = (m − 1) / (m + 1)
 *   x^y   = exp (y · log x)         with head and tail of the logarithm
 *   sin, cos                        x = k·π/2 + r, |r| ≤ π/4
 *
 * Known error, against 300-bit integer arithmetic over random and extreme arguments
 * (`test/sim/exact-math.test.ts`): below 0.51 units in the last place for log, 0.7 for exp, log1p
 * and pow, 0.8 for expm1, sin and cos (a few units where a large argument lies within 1e-10 of
 * a zero of theirs); one more rounding where results are subnormal.
 */

// 40 bits: products with |k| < 2^13 are exact.
const ln2Head = 0.6931471805592082;
const ln2Tail = 7.371002565167799e-13;
// 33 bits, 33 bits, rest.
const halfPi = [1.5707963267341256, 6.077100506303966e-11, 2.0222662487959506e-21] as const;
const inverseHalfPi = 0.6366197723675814;
const twoThirds = 0.6666666666666666;
const twoThirdsTail = 3.700743415417188e-17;
const twoTo54 = 18014398509481984;
const twoTo100 = 2 ** 100;

/** Largest |x| that `sin` and `cos` take. */
export const trigonometricMax = 1e6;

// Scratch: the bits of one double, and the tail that a function returns beside its head.
const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);
const highWord = new Uint32Array(new Float64Array([1]).buffer)[1] === 0 ? 0 : 1;
const tail = new Float64Array(1);

/** 2^k for a normal result, k in [−1022, 1023]. */
function powerOfTwo(k: number): number {
  words[1 - highWord] = 0;
  words[highWord] = (k + 1023) << 20;
  return double[0]!;
}

/** m · 2^k with at most one rounding (where the result is subnormal). */
function scale(m: number, k: number): number {
  if (k > 1022) return m * powerOfTwo(1022) * powerOfTwo(k - 1022);
  if (k < -1000) return (m * powerOfTwo(k + 100)) / twoTo100;
  return m * powerOfTwo(k);
}

/** a · b − p exactly, where p is a · b rounded and neither overflows (Dekker). */
function productTail(a: number, b: number, p: number): number {
  const aScaled = a * 134217729;
  const aHead = aScaled - (aScaled - a);
  const aTail = a - aHead;
  const bScaled = b * 134217729;
  const bHead = bScaled - (bScaled - b);
  const bTail = b - bHead;
  return aTail * bTail - (p - aHead * bHead - aTail * bHead - aHead * bTail);
}

/** (exp r − 1 − r − r²/2) / r³ for |r| ≤ 0.35; the first term left out is below 2e-19. */
function exponentialSeries(r: number): number {
  let sum = 1 / 87178291200;
  sum = 1 / 6227020800 + r * sum;
  sum = 1 / 479001600 + r * sum;
  sum = 1 / 39916800 + r * sum;
  sum = 1 / 3628800 + r * sum;
  sum = 1 / 362880 + r * sum;
  sum = 1 / 40320 + r * sum;
  sum = 1 / 5040 + r * sum;
  sum = 1 / 720 + r * sum;
  sum = 1 / 120 + r * sum;
  sum = 1 / 24 + r * sum;
  return 1 / 6 + r * sum;
}

/** exp (x + xTail), less one if `lessOne`, for |x| < 800. */
function exponential(x: number, xTail: number, lessOne: boolean): number {
  const k = Math.floor(x * Math.LOG2E + 0.5);
  const rHead = x - k * ln2Head;
  const rTail = xTail - k * ln2Tail;
  const r = rHead + rTail;
  const square = r * r;
  const half = 0.5 * square;
  const small = 0.5 * productTail(r, r, square) + (rHead - r + rTail);
  const t = r + half;
  const tTail = r - t + half + (square * r * exponentialSeries(r) + small);
  // 2^k (1 + t) − 1 = 2^k ((1 − 2^−k) + t); beyond 2^60 the one is lost.
  const part = lessOne && k < 60 ? powerOfTwo(-k) : 0;
  const one = 1 - part;
  const sum = one + t;
  const back = sum - one;
  const sumTail = one - (sum - back) + (t - back) + (1 - one - part);
  return scale(sum + (sumTail + tTail), k);
}

/**
 * e^x.
 *
 * @returns 0 below −745.14, Infinity above 709.79, NaN for NaN.
 */
export function exp(x: number): number {
  if (x > 710) return Number.POSITIVE_INFINITY;
  if (x < -746) return 0;
  return Number.isNaN(x) ? x : exponential(x, 0, false);
}

/** e^x − 1 without cancellation near zero. */
export function expm1(x: number): number {
  if (x > 710) return Number.POSITIVE_INFINITY;
  if (x < -40) return -1;
  // Below 2^−54 the square is lost; this also keeps the sign of zero.
  if (Math.abs(x) < 5e-17) return x;
  return Number.isNaN(x) ? x : exponential(x, 0, true);
}

/** Logarithm of a positive finite number: returns the head, leaves the tail in `tail`. */
function logarithm(x: number): number {
  double[0] = x;
  let e = -1023;
  if (words[highWord]! < 0x100000) {
    double[0] = x * twoTo54;
    e -= 54;
  }
  const bits = words[highWord]!;
  e += bits >>> 20;
  words[highWord] = (bits & 0xfffff) | 0x3ff00000;
  let m = double[0]!;
  if (m >= Math.SQRT2) {
    m *= 0.5;
    e++;
  }
  const f = m - 1;
  const d = 2 + f;
  const dTail = f - (d - 2);
  const s = f / d;
  const p = s * d;
  const sTail = (f - p - productTail(s, d, p) - s * dTail) / d;
  const z = s * s;
  const zTail = productTail(s, s, z) + 2 * s * sTail;
  // 2 artanh s = 2 s + ⅔ s³ + s⁵ (2/5 + 2/7 s² + …); the first term left out is below 1e-18.
  let series = 2 / 23;
  series = 2 / 21 + z * series;
  series = 2 / 19 + z * series;
  series = 2 / 17 + z * series;
  series = 2 / 15 + z * series;
  series = 2 / 13 + z * series;
  series = 2 / 11 + z * series;
  series = 2 / 9 + z * series;
  series = 2 / 7 + z * series;
  series = 2 / 5 + z * series;
  const cube = z * s;
  const cubeTail = productTail(z, s, cube) + z * sTail + zTail * s;
  const b = cube * twoThirds;
  const bTail = productTail(cube, twoThirds, b) + cube * twoThirdsTail + cubeTail * twoThirds;
  // The terms fall in size: e·ln 2 (exact), 2 s, ⅔ s³, and all the small ones.
  const a = e * ln2Head;
  const first = a + 2 * s;
  const firstTail = e === 0 ? 0 : a - first + 2 * s;
  const second = first + b;
  const secondTail = first - second + b;
  const small = firstTail + (secondTail + (e * ln2Tail + 2 * sTail + bTail + cube * z * series));
  const head = second + small;
  tail[0] = second - head + small;
  return head;
}

/** Natural logarithm; −Infinity at 0, NaN below. */
export function log(x: number): number {
  if (x > 0 && x < Number.POSITIVE_INFINITY) return logarithm(x);
  if (x === 0) return Number.NEGATIVE_INFINITY;
  return x > 0 ? x : Number.NaN;
}

/** log (1 + x) without cancellation near zero; −Infinity at −1, NaN below. */
export function log1p(x: number): number {
  if (Math.abs(x) < 5e-17) return x;
  if (!(x > -1 && x < Number.POSITIVE_INFINITY)) return log(1 + x);
  const sum = 1 + x;
  const lost = Math.abs(x) < 1 ? x - (sum - 1) : 1 - (sum - x);
  const head = logarithm(sum);
  return head + (tail[0]! + lost / sum);
}

/** Sign and size of 0^y and (±Infinity)^y. */
function powerOfEnd(base: number, exponent: number, isOdd: boolean): number {
  const size = (base === 0) === exponent > 0 ? 0 : Number.POSITIVE_INFINITY;
  return isOdd && (base < 0 || Object.is(base, -0)) ? -size : size;
}

/** base^exponent with the special cases of ECMAScript's `Math.pow`. */
export function pow(base: number, exponent: number): number {
  if (exponent === 0) return 1;
  if (Number.isNaN(base) || Number.isNaN(exponent)) return Number.NaN;
  const size = Math.abs(base);
  const isWhole = Math.floor(exponent) === exponent;
  const isOdd = isWhole && exponent * 0.5 !== Math.floor(exponent * 0.5);
  if (size === 0 || size === Number.POSITIVE_INFINITY) return powerOfEnd(base, exponent, isOdd);
  if (size === 1 && Math.abs(exponent) === Number.POSITIVE_INFINITY) return Number.NaN;
  if (base < 0 && !isWhole) return Number.NaN;
  const sign = base < 0 && isOdd ? -1 : 1;
  if (size === 1) return sign;
  // The logarithm next to 1 is above 2^−54 in size: such exponents leave the doubles.
  if (Math.abs(exponent) > 1e20) return size > 1 === exponent > 0 ? Number.POSITIVE_INFINITY : 0;
  const head = logarithm(size);
  const x = exponent * head;
  if (x > 710) return sign * Number.POSITIVE_INFINITY;
  if (x < -746) return sign * 0;
  return sign * exponential(x, productTail(exponent, head, x) + exponent * tail[0]!, false);
}

/** x less the nearest multiple k of π/2: returns k mod 4, leaves the rest in `double` and `tail`. */
function reduceAngle(x: number): number {
  if (Math.abs(x) > trigonometricMax) {
    throw new RangeError(`an angle of ${x} exceeds ${trigonometricMax}`);
  }
  const k = Math.floor(x * inverseHalfPi + 0.5);
  const a = x - k * halfPi[0];
  const b = -k * halfPi[1];
  const sum = a + b;
  const back = sum - a;
  const rest = a - (sum - back) + (b - back) - k * halfPi[2];
  double[0] = sum + rest;
  tail[0] = sum - double[0] + rest;
  return ((k % 4) + 4) % 4;
}

/** Sine of r + rTail, |r| ≤ π/4; the first term left out is below 1e-19. */
function sineSeries(r: number, rTail: number): number {
  const z = r * r;
  let sum = 1 / 355687428096000;
  sum = -1 / 1307674368000 + z * sum;
  sum = 1 / 6227020800 + z * sum;
  sum = -1 / 39916800 + z * sum;
  sum = 1 / 362880 + z * sum;
  sum = -1 / 5040 + z * sum;
  sum = 1 / 120 + z * sum;
  sum = -1 / 6 + z * sum;
  return r + (z * r * sum + rTail * (1 - 0.5 * z));
}

/** Cosine of r + rTail, |r| ≤ π/4; the first term left out is below 1e-19. */
function cosineSeries(r: number, rTail: number): number {
  const z = r * r;
  let sum = -1 / 6402373705728000;
  sum = 1 / 20922789888000 + z * sum;
  sum = -1 / 87178291200 + z * sum;
  sum = 1 / 479001600 + z * sum;
  sum = -1 / 3628800 + z * sum;
  sum = 1 / 40320 + z * sum;
  sum = -1 / 720 + z * sum;
  sum = 1 / 24 + z * sum;
  const half = 0.5 * z;
  const head = 1 - half;
  return head + (1 - head - half + (z * z * sum - r * rTail));
}

/** A quarter turn more per `quarter`: 0 sine, 1 cosine, 2 −sine, 3 −cosine of the reduced angle. */
function wave(quarter: number): number {
  const [r, rTail] = [double[0]!, tail[0]!];
  const value = quarter % 2 === 0 ? sineSeries(r, rTail) : cosineSeries(r, rTail);
  return quarter >= 2 ? -value : value;
}

/** @throws RangeError where |x| > `trigonometricMax`. */
export function sin(x: number): number {
  // The cube is lost; this also keeps the sign of zero.
  if (Math.abs(x) < 1e-8) return x;
  return wave(reduceAngle(x));
}

/** @throws RangeError where |x| > `trigonometricMax`. */
export function cos(x: number): number {
  return wave((reduceAngle(x) + 1) % 4);
}
