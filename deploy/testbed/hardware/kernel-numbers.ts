/** How the kernel reads numbers that are written to its files. */
import { FileError } from './errno.ts';

/**
 * `kstrtoul(text, 0)`: digits, decimal or `0x…` or octal `0…`, perhaps `+` before and one newline after.
 *
 * @throws FileError EINVAL
 */
export function strictNumber(text: string): number {
  const [, digits] = /^\+?(0[xX][0-9a-fA-F]+|\d+)\n?$/.exec(text) ?? [];
  if (digits === undefined) throw new FileError('EINVAL');
  const isOctal = /^0\d/.test(digits);
  const value = isOctal ? octal(digits) : Number(digits);
  if (!Number.isSafeInteger(value)) throw new FileError('EINVAL');
  return value;
}

function octal(digits: string): number {
  if (/[89]/.test(digits)) throw new FileError('EINVAL');
  return Number.parseInt(digits, 8);
}

/**
 * `sscanf("%u")`: the digits at the start, whatever follows.
 *
 * @throws FileError EINVAL
 */
export function leadingNumber(text: string): number {
  const value = Number(/^\s*\+?(\d+)/.exec(text)?.[1] ?? Number.NaN);
  if (!(value <= 0xffffffff)) throw new FileError('EINVAL');
  return value;
}

/**
 * `sscanf("%15s")`: the first word, cut to 15 characters.
 *
 * @throws FileError EINVAL when there is none.
 */
export function leadingWord(text: string): string {
  const [word] = /\S+/.exec(text) ?? [];
  if (word === undefined) throw new FileError('EINVAL');
  return word.slice(0, 15);
}
