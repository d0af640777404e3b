/** Numbers as people read them, the same on the page, in the charts and in the terminal. */
import type { Estimate } from '../evaluate/results.ts';

/** What stands where there is no number. */
export const absent = '–';

/** `value` with so many decimals, a true minus sign, and no "−0". */
export function fixed(value: number, decimals: number): string {
  if (!Number.isFinite(value)) return absent;
  const text = value.toFixed(decimals);
  return Number(text) === 0 ? text.replace('-', '') : text.replace('-', '−');
}

/** `value` with so many significant digits, never in exponent form. */
export function significant(value: number, digits = 3): string {
  return fixed(value, decimalsFor([value], digits));
}

/** Decimals that give the median magnitude of `values` so many significant digits. */
export function decimalsFor(values: readonly number[], digits: number): number {
  const sizes = values
    .map(Math.abs)
    .filter((size) => size > 0 && Number.isFinite(size))
    .sort((a, b) => a - b);
  const median = sizes[Math.floor(sizes.length / 2)] ?? 1;
  return Math.min(8, Math.max(0, digits - 1 - Math.floor(Math.log10(median))));
}

/** `12.3 ± 0.4`, or the mean alone when there is no interval. */
export function plusMinus(
  { mean, halfWidth }: Pick<Estimate, 'mean' | 'halfWidth'>,
  decimals: number,
): string {
  if (!Number.isFinite(halfWidth)) return fixed(mean, decimals);
  return `${fixed(mean, decimals)} ± ${fixed(halfWidth, decimals)}`;
}

/** A length of time as people say it: `45 s`, `5 min`, `24 h`, `7 days`. */
export function duration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 120) return `${significant(seconds)} s`.replace(/\.0+ /, ' ');
  if (seconds < 7200) return `${trimmed(seconds / 60)} min`;
  if (seconds <= 172_800) return `${trimmed(seconds / 3600)} h`;
  return `${trimmed(seconds / 86_400)} days`;
}

const trimmed = (value: number): string => String(Number(value.toFixed(1)));

/** `text` cut to `width` characters, the cut marked by an ellipsis. */
export function shortened(text: string, width: number): string {
  const characters = [...text];
  return characters.length <= width ? text : `${characters.slice(0, width - 1).join('')}…`;
}
