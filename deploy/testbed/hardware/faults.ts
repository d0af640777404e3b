/**
 * What is broken on purpose, from a file that is read again whenever it changes:
 * `{ "ignoreGovernorWrites": true }`. No file: nothing is broken.
 */
import { readFileSync, statSync } from 'node:fs';

export interface Faults {
  /** Writes to `scaling_governor` succeed and change nothing. */
  readonly ignoreGovernorWrites: boolean;
  /** `energy_uj` and `/proc/stat` stand still. */
  readonly frozenCounters: boolean;
  /** Governors, limits and frequencies cannot be opened for writing (EACCES) nor written (EPERM). */
  readonly readOnlyFrequencies: boolean;
  /** No quotas: VMs run as fast as the machine lets them, while they start for example. */
  readonly uncapped: boolean;
}

export const noFaults: Faults = {
  ignoreGovernorWrites: false,
  frozenCounters: false,
  readOnlyFrequencies: false,
  uncapped: false,
};

/**
 * Reads the text of a faults file.
 *
 * @throws Error in one line.
 */
export function parseFaults(text: string): Faults {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error('expected an object');
  }
  for (const [key, flag] of Object.entries(value)) {
    if (!Object.hasOwn(noFaults, key)) {
      throw new Error(`expected ${Object.keys(noFaults).join(', ')}, got ${key}`);
    }
    if (typeof flag !== 'boolean') throw new Error(`${key}: expected true or false`);
  }
  return { ...noFaults, ...value };
}

/** A faults file; one that cannot be used is reported once and changes nothing. */
export class FaultsFile {
  readonly #path: string;
  readonly #report: (message: string) => void;
  #version = '';
  #current = noFaults;

  constructor(path: string, report: (message: string) => void) {
    this.#path = path;
    this.#report = report;
  }

  get current(): Faults {
    return this.#current;
  }

  /** Reads the file if it is another than at the last look. */
  look(): void {
    const version = this.#versionNow();
    if (version === this.#version) return;
    this.#version = version;
    try {
      this.#current = version === '' ? noFaults : parseFaults(readFileSync(this.#path, 'utf8'));
    } catch (error) {
      this.#report(`${this.#path}: ${(error as Error).message}`);
    }
  }

  #versionNow(): string {
    const status = statSync(this.#path, { bigint: true, throwIfNoEntry: false });
    return status === undefined ? '' : `${status.ino} ${status.size} ${status.mtimeNs}`;
  }
}
