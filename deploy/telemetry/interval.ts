/** The time between two readings of a host, by the host's own clocks. */
import type { Doubt } from './doubts.ts';
import type { HostReading } from './reading.ts';

/** What two readings in a row say about time. */
export type Interval =
  | {
      readonly kind: 'continuous';
      /** s, above 0. */
      readonly elapsedS: number;
      readonly doubts: readonly Doubt[];
    }
  /** The host was started anew between the readings: no counter can be compared. */
  | { readonly kind: 'reboot' }
  /** The host's uptime stands still. */
  | { readonly kind: 'frozen' };

/** /proc/uptime has two decimals. */
const uptimeStepS = 0.01;
/** Two steps, and what a clock that is being slewed (500 ppm) may gain. */
const tolerance = (elapsedS: number): number => 2 * uptimeStepS + elapsedS * 1e-3;

/**
 * Elapsed time between two readings.
 *
 * Uptime decides: it is monotonic and counts time asleep. The wall clock only adds digits, and only
 * while it agrees with uptime; where it does not, somebody set it.
 */
export function intervalBetween(before: HostReading, after: HostReading): Interval {
  const uptimeS = after.uptimeS - before.uptimeS;
  const oursS = (after.receivedMonotonicMs - before.receivedMonotonicMs) / 1000;
  if (uptimeS < 0 || isNewBoot(before, after)) return { kind: 'reboot' };
  if (uptimeS < uptimeStepS / 2) return { kind: 'frozen' };
  const doubts: Doubt[] = uptimeS < 20 * uptimeStepS ? ['coarse-counter'] : [];
  // A host that is itself a guest and was paused: its clocks agree with each other and not with ours.
  const slackS = (before.observedErrorMs + after.observedErrorMs) / 500 + 2 + oursS * 0.01;
  if (Math.abs(oursS - uptimeS) > slackS) doubts.push('clock-jump');
  const wallS = (after.hostWallS ?? Number.NaN) - (before.hostWallS ?? Number.NaN);
  if (Number.isNaN(wallS)) return { kind: 'continuous', elapsedS: uptimeS, doubts };
  const hasDigits = !Number.isInteger(before.hostWallS) || !Number.isInteger(after.hostWallS);
  const off = Math.abs(wallS - uptimeS);
  if (off > tolerance(uptimeS) + (hasDigits ? 0 : 1)) {
    const found = [...new Set<Doubt>([...doubts, 'clock-jump'])];
    return { kind: 'continuous', elapsedS: uptimeS, doubts: found };
  }
  return { kind: 'continuous', elapsedS: hasDigits && wallS > 0 ? wallS : uptimeS, doubts };
}

/** The kernel makes a new `boot_id` at each start. */
function isNewBoot(before: HostReading, after: HostReading): boolean {
  return (
    before.bootId !== undefined && after.bootId !== undefined && before.bootId !== after.bootId
  );
}
