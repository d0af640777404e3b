/** Quantities as people write them: a number and a unit, `"64 GiB"`, `"300 s"`, `"1.7 GHz"`. */

/** Kinds of quantity, each with its units in terms of the base unit named in the comment. */
const units = {
  /** bytes */
  size: {
    B: 1,
    kB: 1e3,
    MB: 1e6,
    GB: 1e9,
    TB: 1e12,
    KiB: 1024,
    MiB: 1024 ** 2,
    GiB: 1024 ** 3,
    TiB: 1024 ** 4,
  },
  /** ms */
  duration: { us: 0.001, ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 },
  /** MIPS; a core of 1 MHz counts as 1 MIPS */
  speed: { MIPS: 1, MHz: 1, GHz: 1000 },
  /** W */
  power: { W: 1, kW: 1000 },
  /** bytes/s */
  rate: { 'B/s': 1, 'kB/s': 1e3, 'MB/s': 1e6, 'GB/s': 1e9, 'Mbit/s': 125e3, 'Gbit/s': 125e6 },
} as const;

export type QuantityKind = keyof typeof units;

/** What to write for a kind, for messages. */
export const quantityExamples: Readonly<Record<QuantityKind, string>> = {
  size: 'a size such as "64 GiB"',
  duration: 'a duration such as "300 s"',
  speed: 'a speed such as "1.7 GHz" or "2500 MIPS"',
  power: 'a power such as "90 W"',
  rate: 'a rate such as "1 Gbit/s" or "60 MB/s"',
};

/** The quantity in its base unit, or `undefined` when `text` is not one from 0 up. */
export function parseQuantity(kind: QuantityKind, text: string): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*([A-Za-z/]+)\s*$/i.exec(text);
  if (match === null) return undefined;
  const [, digits, unit] = match;
  const table: Readonly<Record<string, number>> = units[kind];
  const factor = Object.hasOwn(table, unit!) ? table[unit!] : undefined;
  if (factor === undefined) return undefined;
  const value = Number(digits) * factor;
  return Number.isFinite(value) ? value : undefined;
}
