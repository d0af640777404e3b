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
/** Keeps a number and its unit on one line. */
const space = '\u00A0';

const upTo = (digits: number): Intl.NumberFormat =>
  new Intl.NumberFormat('en', { maximumFractionDigits: digits });
const exactly = (digits: number): Intl.NumberFormat =>
  new Intl.NumberFormat('en', { maximumFractionDigits: digits, minimumFractionDigits: digits });
const formats = [upTo(0), upTo(1), upTo(2), upTo(3)] as const;
const fixed = [exactly(0), exactly(1), exactly(2)] as const;

const withSign = (value: number, text: string): string =>
  value < 0 && /[1-9]/.test(text) ? minus + text : text;

/** Three significant digits at most, but never fewer than stand before the point: 0.12, 1.23, 12.3, 1,234. */
export function number(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return unknown;
  const size = Math.abs(value);
  const digits = size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3;
  return withSign(value, formats[digits].format(size));
}

/** With its sign, also where it is positive; what is shown as zero has none. */
export function signed(value: number | undefined, write: (size: number) => string): string {
  if (value === undefined || !Number.isFinite(value)) return unknown;
  const text = write(Math.abs(value));
  return value > 0 && /[1-9]/.test(text) ? `+${text}` : withSign(value, text);
}

/** A quantity in a small unit, and from `from` on in one that is 1000 times larger. */
const inUnits =
  (small: string, large: string, from: number) =>
  (value: number | undefined): string => {
    if (value === undefined || !Number.isFinite(value)) return unknown;
    const size = Math.abs(value);
    const text =
      size >= from
        ? `${fixed[2].format(size / 1000)}${space}${large}`
        : `${size >= 9.95 ? formats[0].format(size) : number(size)}${space}${small}`;
    return withSign(value, text);
  };

export const watts = inUnits('W', 'kW', 10_000);

const wattHours = inUnits('Wh', 'kWh', 10_000);

/** Of joules. */
export const energy = (joules: number | undefined): string =>
  wattHours(joules === undefined ? undefined : joules / joulesPerWattHour);

export const joulesPerWattHour = 3600;

const byteUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

export function bytes(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return unknown;
  const power = Math.floor(Math.log2(Math.max(1, value)) / 10);
  const index = Math.min(power, byteUnits.length - 1);
  return `${number(value / 2 ** (10 * index))}${space}${byteUnits[index]}`;
}

/** Of MHz. */
export const frequency = (mhz: number | undefined): string =>
  mhz === undefined || !Number.isFinite(mhz) ? unknown : `${formats[0].format(mhz)}${space}MHz`;

/** Of seconds. */
export function duration(seconds: number | undefined): string {
  if (seconds === undefined || !Number.isFinite(seconds)) return unknown;
  const [, size, digits, unit] = timeUnits.find(([below]) => seconds < below)!;
  return `${formats[digits].format(seconds / size)}${space}${unit}`;
}

/** Below so many seconds: the unit, in seconds, and how many digits it has after the point. */
const timeUnits = [
  [Number.MIN_VALUE, 1, 0, 's'],
  [0.9995, 0.001, 0, 'ms'],
  [9.95, 1, 1, 's'],
  [119.5, 1, 0, 's'],
  [119.5 * 60, 60, 0, 'min'],
  [48 * 3600, 3600, 1, 'h'],
  [Infinity, 86_400, 0, 'd'],
] as const;

/** How long ago; what lies a little in the future, by clocks that differ, is now. */
export function age(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 1) return 'now';
  return seconds < 120 ? `${seconds}${space}s ago` : `${duration(seconds)} ago`;
}

/** Of a fraction: 0.073 is 7.3 %. */
export function percent(fraction: number | undefined): string {
  if (fraction === undefined || !Number.isFinite(fraction)) return unknown;
  const size = Math.abs(fraction) * 100;
  const format = size >= 9.95 || size === 0 ? fixed[0] : fixed[1];
  return withSign(fraction, `${format.format(size)}${space}%`);
}

/** `1 VM`, `3 VMs`. */
export const count = (many: number, one: string): string =>
  `${formats[0].format(many)}${space}${one}${many === 1 ? '' : 's'}`;

const clockFormat = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });
const dayFormat = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium' });

/** The time of day, and the day too where it is another one than that of `nowMs`. */
export function when(atMs: number, nowMs: number): string {
  const day = dayFormat.format(atMs);
  const time = clockFormat.format(atMs);
  return day === dayFormat.format(nowMs) ? time : `${day}, ${time}`;
}
