/**
 * What live migrations of this cluster take, from those that are done: the rate at which memory is
 * sent, and how fast each VM makes memory dirty (`sim/calibration/migration-fit.ts`).
 */
import { z } from 'zod';
import { fitMigrations, type MigrationFit } from '../../sim/index.ts';
import type { Effect } from '../actions/executor.ts';

const storedMigration = z.strictObject({
  vm: z.string(),
  memoryBytes: z.number(),
  durationMs: z.number(),
  transferredBytes: z.number(),
  downtimeMs: z.number().exactOptional(),
});

export const migrationStateSchema = z.array(storedMigration);
export type MigrationState = z.output<typeof migrationStateSchema>;

/** Newest migrations that count. */
const memory = 64;

export class MigrationCalibrator {
  readonly #records: MigrationState[number][] = [];
  #fit: MigrationFit | undefined;
  #isFitted = false;

  /** Takes up where another one was. */
  restore(state: MigrationState): void {
    this.#records.splice(0, Infinity, ...state.slice(-memory));
    this.#isFitted = false;
  }

  /** Plain data, for JSON; oldest first. */
  get state(): MigrationState {
    return this.#records.slice();
  }

  /**
   * Learns from a migration that was done. One of which libvirt did not tell what it sent is left out.
   *
   * @returns Whether it was used.
   */
  add(vm: string, memoryBytes: number, effect: Effect): boolean {
    const { elapsedMs, transferredBytes = 0, downtimeMs, didChange } = effect;
    if (!didChange || !(elapsedMs > 0) || !(memoryBytes > 0) || !(transferredBytes > 0))
      return false;
    this.#records.push({
      vm,
      // Pages of zeros are not sent: what was sent at most was to be sent.
      memoryBytes: Math.min(memoryBytes, transferredBytes),
      durationMs: elapsedMs,
      transferredBytes,
      ...(downtimeMs === undefined ? {} : { downtimeMs }),
    });
    if (this.#records.length > memory) this.#records.shift();
    this.#isFitted = false;
    return true;
  }

  /** `undefined` with fewer than 3 migrations. */
  get fit(): MigrationFit | undefined {
    if (!this.#isFitted) {
      this.#fit = fitMigrations(this.#records);
      this.#isFitted = true;
    }
    return this.#fit;
  }

  /** Rate of a migration that is alone, bytes/s. */
  get bytesPerS(): number | undefined {
    return this.fit?.bandwidthBytesPerS;
  }

  /** Dirtying of `vm` in its newest migration that tells it, bytes/s. */
  dirtyBytesPerS(vm: string): number | undefined {
    const { fit } = this;
    if (fit === undefined) return undefined;
    for (let index = this.#records.length - 1; index >= 0; index--) {
      const ratio = fit.dirtyRatios[index]!;
      if (this.#records[index]!.vm !== vm || Number.isNaN(ratio)) continue;
      return ratio * fit.bandwidthBytesPerS;
    }
    return undefined;
  }
}
