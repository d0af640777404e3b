/** Times and shares as people read them. */

/** `06:31:10`, UTC. */
export function formatClock(atMs: number): string {
  return new Date(atMs).toISOString().slice(11, 19);
}

/** `+3.1 %`, `-12.0 %`. */
export function signedPercent(fraction: number): string {
  const percent = 100 * fraction;
  return `${percent < 0 ? '' : '+'}${percent.toFixed(1)} %`;
}
