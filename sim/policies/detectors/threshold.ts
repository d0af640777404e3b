import type { HostLimit } from '../relieve.ts';

/** THR: a fixed fraction of the host's capacity. */
export function staticThreshold(fraction: number): HostLimit {
  return (draft, host) => fraction * draft.peakMips[host]!;
}

/** What detectors that learn from history go by until there is enough of it. */
export const fallbackThreshold = staticThreshold(0.7);
