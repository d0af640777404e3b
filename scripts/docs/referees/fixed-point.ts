/**
 * Elementary functions from plain series in fixed-point integers of 300 bits after the point, so that
 * their own error is far below anything a double can show: the referee of `sim/numbers/exact-math.ts`.
 */
const bits = 300n;
export const unit = 1n << bits;
export const times = (a: bigint, b: bigint): bigint => (a * b) >> bits;
const over = (a: bigint, b: bigint): bigint => (a << bits) / b;

/** A finite double as fixed point; exact down to 2^-300. */
export function fixed(x: number): bigint {
  let [whole, shift] = [x, 0];
  while (!Number.isInteger(whole)) {
    whole *= 2;
    shift++;
  }
  return shift > 300 ? BigInt(whole) >> BigInt(shift - 300) : BigInt(whole) << BigInt(300 - shift);
}

function atanInverse(n: bigint): bigint {
  let term = unit / n;
  let sum = term;
  for (let k = 3n; term !== 0n; k += 2n) {
    term = -term / (n * n);
    sum += term / k;
  }
  return sum;
}
export const pi = 4n * (4n * atanInverse(5n) - atanInverse(239n));

/** log of a positive fixed-point number: halve to [1, 2), then artanh. */
export function fixedLog(x: bigint, ln2 = fixedLn2): bigint {
  let [m, e] = [x, 0n];
  for (; m >= 2n * unit; e++) m >>= 1n;
  for (; m < unit; e--) m <<= 1n;
  const s = over(m - unit, m + unit);
  const z = times(s, s);
  let sum = 0n;
  let power = s;
  for (let k = 1n; power !== 0n; k += 2n) {
    sum += power / k;
    power = times(power, z);
  }
  return 2n * sum + e * ln2;
}
// ln 2 = 2 artanh (1/3)
export const fixedLn2 = fixedLog(2n * unit - 1n, 0n);

/** exp as (mantissa in [1, 2), exponent): Taylor after ten halvings. */
export function fixedExp(x: bigint): [mantissa: bigint, exponent: number] {
  let k = x / fixedLn2;
  if (k * fixedLn2 > x) k--;
  const r = (x - k * fixedLn2) >> 10n;
  let [sum, term] = [unit, unit];
  for (let n = 1n; term !== 0n; n++) {
    term = times(term, r) / n;
    sum += term;
  }
  for (let n = 0; n < 10; n++) sum = times(sum, sum);
  return [sum, Number(k)];
}

export function fixedSine(x: bigint): bigint {
  let r = x % (2n * pi);
  if (r > pi) r -= 2n * pi;
  if (r < -pi) r += 2n * pi;
  let [sum, term] = [r, r];
  for (let n = 2n; term !== 0n; n += 2n) {
    term = -times(times(term, r), r) / (n * (n + 1n));
    sum += term;
  }
  return sum;
}

/** |got − mantissa·2^exponent| in units of the last place of the true value. */
export function ulps(got: number, mantissa: bigint, exponent = 0): number {
  if (!Number.isFinite(got)) return Number.POSITIVE_INFINITY;
  const size = mantissa < 0n ? -mantissa : mantissa;
  const leading = size.toString(2).length - 1 - 300 + exponent;
  const lastPlace = Math.max(leading, -1022) - 52;
  // Everything as integers with 2^lastPlace = 2^200.
  const shift = 200 - lastPlace + exponent - 300;
  const truth = shift >= 0 ? mantissa << BigInt(shift) : mantissa >> BigInt(-shift);
  let [whole, scale] = [got, 200 - lastPlace];
  // Keep the double an integer without leaving its range.
  while (!Number.isInteger(whole)) {
    whole *= 2;
    scale--;
  }
  const ours = scale >= 0 ? BigInt(whole) << BigInt(scale) : BigInt(whole) >> BigInt(-scale);
  const error = ours > truth ? ours - truth : truth - ours;
  return Number(error >> 150n) / 2 ** 50;
}
