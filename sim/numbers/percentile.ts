/** Nearest-rank percentile of ascending values; NaN of none. */
export function percentile(ascending: readonly number[], fraction: number): number {
  if (ascending.length === 0) return Number.NaN;
  return ascending[Math.max(0, Math.ceil(fraction * ascending.length) - 1)]!;
}
