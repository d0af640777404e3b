/** Numbers and names as the page shows them. Everything here is pure. */

/** Stands where nothing is known. */
export const unknown = '–';

/** Characters that control a terminal, are not seen, or turn the direction of the text around them. */
const unseen =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/** A text that came from a host, with what would not be seen, or would disturb, written out. */
export function shown(text: string): string {
  return text.replace(
    unseen,
    (character) => `⟨${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}⟩`,
  );
}

const minus = '−';
const grouped = (digits: number): Intl.NumberFormat =>
  new Intl.NumberFormat('en', { maximumFractionDigits: digits, minimumFractionDigits: digits });
const formats = [grouped(0), grouped(1), grouped(2), grouped(3)] as const;

/** Three significant digits where there are that many before the point or fewer: 0.123, 1.23, 12.3, 1,234. */
export function number(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return unknown;
  const size = Math.abs(value);
  if (size < 0.0005) return '0';
  const digits = size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3;
  const text = formats[digits]!.format(size);
  return value < 0 ? `${minus}${text}` : text;
}

/** With its sign, also where it is positive. */
export const signed = (value: number | undefined, write: (size: number) => string): string =>
  value === undefined || !Number.isFinite(value)
    ? unknown
    : `${value > 0 ? '+' : value < 0 ? minus : ''}${write(Math.abs(value))}`;

const scaled =
  (steps: readonly (readonly [from: number, unit: string])[]) =>
  (value: number | undefined): string => {
    if (value === undefined || !Number.isFinite(value)) return unknown;
    const size = Math.abs(value);
    const [from, unit] = steps.find(([least]) => size >= least) ?? steps.at(-1)!;
    return `${number(value / from)} ${unit}`;
  };

export const watts = scaled([
  [10_000, 'kW'],
  [1, 'W'],
]);

/** Of joules. */
export const energy = (joules: number | undefined): string =>
  wattHours(joules === undefined ? undefined : joules / 3600);

const wattHours = scaled([
  [1000, 'kWh'],
  [1, 'Wh'],
]);

export const bytes = scaled([
  [2 ** 40, 'TiB'],
  [2 ** 30, 'GiB'],
  [2 ** 20, 'MiB'],
  [2 ** 10, 'KiB'],
  [1, 'B'],
]);

/** Of MHz. */
export const frequency = (mhz: number | undefined): string =>
  mhz === undefined || !Number.isFinite(mhz) ? unknown : `${formats[0].format(mhz)} MHz`;

/** Of seconds. */
export function duration(seconds: number | undefined): string {
  if (seconds === undefined || !Number.isFinite(seconds)) return unknown;
  if (seconds === 0) return '0 s';
  if (seconds < 0.9995) return `${formats[0].format(seconds * 1000)} ms`;
  if (seconds < 9.95) return `${formats[1].format(seconds)} s`;
  if (seconds < 119.5) return `${formats[0].format(seconds)} s`;
  if (seconds < 119.5 * 60) return `${formats[0].format(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${formats[1].format(seconds / 3600)} h`;
  return `${formats[0].format(seconds / 86_400)} d`;
}

/** How long ago; what lies a little in the future, by clocks that differ, is now. */
export const age = (ms: number): string =>
  ms < 1000 ? 'now' : `${duration(Math.floor(ms / 1000))} ago`;

/** Of a fraction: 0.073 is 7.3 %. */
export function percent(fraction: number | undefined): string {
  if (fraction === undefined || !Number.isFinite(fraction)) return unknown;
  const digits = Math.abs(fraction) < 0.0995 && fraction !== 0 ? 1 : 0;
  const text = formats[digits].format(Math.abs(fraction) * 100);
  return `${fraction < 0 ? minus : ''}${text} %`;
}

/** `1 VM`, `3 VMs`. */
export const count = (many: number, one: string): string =>
  `${formats[0].format(many)} ${one}${many === 1 ? '' : 's'}`;

const clockFormat = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });
const dayFormat = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium' });

/** The time of day, and the day too where it is another one than that of `nowMs`. */
export function when(atMs: number, nowMs: number): string {
  const day = dayFormat.format(atMs);
  const time = clockFormat.format(atMs);
  return day === dayFormat.format(nowMs) ? time : `${day}, ${time}`;
}
