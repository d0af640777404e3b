/** How fast a host of a snapshot runs as long as nobody tells it otherwise. */
import type { SnapshotHost } from './snapshot.ts';

/** Governors that follow the load. */
export const followingGovernors = ['schedutil', 'ondemand', 'conservative'] as const;

/** The rule by which a host follows its load; `undefined` where it keeps to one frequency or nobody knows. */
export function followingRule(
  host: Pick<SnapshotHost, 'requestedMhz' | 'governor'>,
): (typeof followingGovernors)[number] | undefined {
  if (host.requestedMhz !== undefined) return undefined;
  return followingGovernors.find((name) => name === host.governor);
}

/** How fast the host's cores are as long as nobody tells them otherwise, MHz; at most, where that follows their load. */
export function standingMhz({
  requestedMhz,
  governor,
  frequenciesMhz,
  currentMhz,
}: Pick<SnapshotHost, 'requestedMhz' | 'governor' | 'frequenciesMhz' | 'currentMhz'>): number {
  const fastest = frequenciesMhz[0]!;
  if (requestedMhz !== undefined) return requestedMhz;
  if (governor === 'powersave') return frequenciesMhz.at(-1)!;
  return governor === 'userspace' ? (currentMhz ?? fastest) : fastest;
}
