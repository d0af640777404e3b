/** `/proc/meminfo`, in bytes. */
import { count } from './listing.ts';

export interface MemoryReading {
  readonly totalBytes: number;
  /** What a new VM could get without swapping, by the kernel's estimate. */
  readonly availableBytes?: number;
  readonly freeBytes?: number;
  readonly swapTotalBytes?: number;
  readonly swapFreeBytes?: number;
  readonly hugePagesTotal?: number;
  readonly hugePagesFree?: number;
  readonly hugePageBytes?: number;
}

/** @returns `undefined` when there is no total. */
export function readMeminfo(text: string): MemoryReading | undefined {
  const values = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, key, digits, unit] = /^([\w()]+):\s+(\d+)(?:\s+(kB))?\s*$/.exec(line) ?? [];
    const value = count(digits);
    // The kernel's kB are 1024 bytes.
    if (value !== undefined) values.set(key!, unit === undefined ? value : value * 1024);
  }
  const totalBytes = values.get('MemTotal');
  if (totalBytes === undefined || totalBytes === 0) return undefined;
  const fields = {
    availableBytes: values.get('MemAvailable'),
    freeBytes: values.get('MemFree'),
    swapTotalBytes: values.get('SwapTotal'),
    swapFreeBytes: values.get('SwapFree'),
    hugePagesTotal: values.get('HugePages_Total'),
    hugePagesFree: values.get('HugePages_Free'),
    hugePageBytes: values.get('Hugepagesize'),
  };
  return { totalBytes, ...present(fields) };
}

/** The entries that are there: what is missing is absent, not `undefined` and not 0. */
export function present<Fields extends Readonly<Record<string, unknown>>>(
  fields: Fields,
): { [Name in keyof Fields]?: NonNullable<Fields[Name]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [Name in keyof Fields]?: NonNullable<Fields[Name]>;
  };
}
