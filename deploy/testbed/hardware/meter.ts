/** The meter at the plug: what the host really took, for whoever stands outside it. */
import { renameSync, writeFileSync } from 'node:fs';

/** One reading, written as JSON. */
export interface MeterReading {
  /** Since the start, s. */
  readonly elapsedS: number;
  /** At the plug since the start, J; never wraps and no fault touches it. */
  readonly energyJ: number;
  /** At the plug on average since the last reading, W. */
  readonly powerW: number;
  /** Of the parts since the start, J; the core's is within the package's. */
  readonly packageJ: number;
  readonly coreJ: number;
  readonly dramJ: number;
  /** Busy fraction of each emulated CPU since the last reading. */
  readonly utilization: readonly number[];
  /** Of each emulated CPU now. */
  readonly mhz: readonly number[];
}

/** Writes a reading so that nobody ever sees half of it. */
export function writeReading(path: string, reading: MeterReading): void {
  const draft = `${path}.new`;
  writeFileSync(draft, `${JSON.stringify(reading)}\n`);
  renameSync(draft, path);
}
