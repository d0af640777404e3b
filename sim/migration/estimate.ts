/**
 * A live migration foretold: duration, downtime, bytes and energy while nothing else changes. The
 * same rules as the twin's own, on constant rates, so the twin then does exactly that as long as
 * rate and load stay (`test/sim/migration-estimate.test.ts`).
 */
import type { MigrationRules } from './rules.ts';
import { afterRound, firstRound, leftAfterCut, type RoundMemory, wholeBytes } from './verdict.ts';

/** The VM, and the conditions that are taken to last. */
export interface MigrationConditions {
  readonly memoryBytes: number;
  /** Most bytes that one round can find dirty. */
  readonly workingSetBytes: number;
  /** Disk bytes copied before the memory. */
  readonly storageBytes: number;
  /** Rate of the transfer on the wire, bytes/s. */
  readonly bytesPerS: number;
  /** Delay before each transfer, s. */
  readonly delayS: number;
  /** Bytes that get dirty in a second of running under a throttle in [0, 1). */
  readonly dirtyBytesPerS: (throttle: number) => number;
  readonly rules: MigrationRules;
}

/** What is to be expected. */
export interface MigrationEstimate {
  /** `unending`: pre-copy as set does not come to an end. */
  readonly outcome: 'stopAndCopy' | 'postCopy' | 'aborted' | 'unending';
  /** Transfers of memory while the VM runs on the source. */
  readonly rounds: number;
  /** From the start to the stop of the VM, and to the end of everything, s. */
  readonly preCopyS: number;
  readonly durationS: number;
  /** While the VM stands still, s. */
  readonly downtimeS: number;
  /** While the VM runs on the target and its memory follows, s. */
  readonly postCopyS: number;
  /** On the wire, bytes. */
  readonly bytes: number;
  /** Time in which something is being sent, s. */
  readonly sendingS: number;
  /** Highest throttle of the VM's CPU, in [0, 1). */
  readonly throttle: number;
}

/** Rounds after which a migration that still goes on is called unending. */
const roundsTried = 10_000;

/** Runs the rounds under `conditions`. */
export function estimateMigration(conditions: MigrationConditions): MigrationEstimate {
  const run = new Run(conditions);
  const cut = conditions.storageBytes > 0 ? run.sendStorage() : undefined;
  return cut ?? run.remedy() ?? run.preCopy();
}

class Run {
  readonly #conditions: MigrationConditions;
  #elapsedS = 0;
  #bytes = 0;
  #sendingS = 0;
  #memory: RoundMemory = firstRound;
  #leftBytes: number;

  constructor(conditions: MigrationConditions) {
    this.#conditions = conditions;
    this.#leftBytes = conditions.memoryBytes;
  }

  /** Copies the disks. @returns the end, where a timeout aborts meanwhile. */
  sendStorage(): MigrationEstimate | undefined {
    const { storageBytes, bytesPerS, delayS, rules } = this.#conditions;
    const rate = Math.min(bytesPerS, rules.storageBytesPerS);
    if (rules.onTimeout === 'abort' && delayS + storageBytes / rate > rules.timeoutS) {
      this.#cut(rate);
      return this.#aborted();
    }
    this.#send(storageBytes, rate, 1);
    return undefined;
  }

  /** What happens at the very start or after the disks: post-copy, or a timeout that is over. */
  remedy(): MigrationEstimate | undefined {
    const { rules } = this.#conditions;
    if (this.#elapsedS >= rules.timeoutS && rules.onTimeout !== 'goOn') {
      return this.#take(rules.onTimeout);
    }
    return rules.postCopy === 'start' ? this.#postCopy() : undefined;
  }

  preCopy(): MigrationEstimate {
    const { memoryBytes, rules } = this.#conditions;
    let roundBytes = memoryBytes;
    for (let round = 0; round < roundsTried; round++) {
      const cut = this.#timeout(roundBytes);
      if (cut !== undefined) return cut;
      const durationS = this.#send(roundBytes, this.#conditions.bytesPerS, rules.compression);
      const dirtyBytes = this.#dirty(durationS);
      this.#leftBytes = this.#leftBytes - roundBytes + dirtyBytes;
      const { verdict, memory } = afterRound(rules, this.#memory, {
        sentBytes: roundBytes,
        durationS,
        dirtyBytes,
        leftBytes: this.#leftBytes,
      });
      this.#memory = memory;
      if (verdict !== 'round') return this.#take(verdict);
      roundBytes = dirtyBytes;
    }
    return this.#end('unending', { durationS: Infinity, preCopyS: Infinity });
  }

  /** The remedy of the timeout, where it falls into the coming transfer. */
  #timeout(roundBytes: number): MigrationEstimate | undefined {
    const { rules, bytesPerS, delayS } = this.#conditions;
    const timeS = delayS + roundBytes / rules.compression / bytesPerS;
    if (rules.onTimeout === 'goOn' || this.#elapsedS + timeS <= rules.timeoutS) return undefined;
    const partS = rules.timeoutS - this.#elapsedS;
    const sent = this.#cut(bytesPerS) * rules.compression;
    const dirty = this.#dirty(partS);
    this.#leftBytes = leftAfterCut(this.#leftBytes, sent, dirty, this.#conditions.memoryBytes);
    return this.#take(rules.onTimeout);
  }

  /** The part of a transfer up to the timeout. @returns what it put on the wire, bytes. */
  #cut(bytesPerS: number): number {
    const { rules, delayS } = this.#conditions;
    const sendingS = Math.max(0, rules.timeoutS - this.#elapsedS - delayS);
    this.#elapsedS = rules.timeoutS;
    this.#sendingS += sendingS;
    this.#bytes += sendingS * bytesPerS;
    return sendingS * bytesPerS;
  }

  #take(remedy: 'stop' | 'abort' | 'postCopy'): MigrationEstimate {
    if (remedy === 'stop') return this.#stop();
    return remedy === 'abort' ? this.#aborted() : this.#postCopy();
  }

  #dirty(durationS: number): number {
    const { dirtyBytesPerS, workingSetBytes } = this.#conditions;
    const rate = dirtyBytesPerS(this.#memory.throttle);
    return Math.min(wholeBytes(rate * durationS), workingSetBytes);
  }

  /** @returns how long it took, s. */
  #send(bytes: number, bytesPerS: number, compression: number): number {
    const sendingS = bytes / compression / bytesPerS;
    const durationS = this.#conditions.delayS + sendingS;
    this.#bytes += bytes / compression;
    this.#sendingS += sendingS;
    this.#elapsedS += durationS;
    return durationS;
  }

  #stop(): MigrationEstimate {
    const { rules, bytesPerS } = this.#conditions;
    const preCopyS = this.#elapsedS;
    const sendS = this.#send(this.#leftBytes, bytesPerS, rules.compression);
    const downtimeS = sendS + rules.resumeS;
    return this.#end('stopAndCopy', { preCopyS, durationS: preCopyS + downtimeS, downtimeS });
  }

  #postCopy(): MigrationEstimate {
    const { rules, bytesPerS } = this.#conditions;
    const preCopyS = this.#elapsedS;
    const downtimeS = rules.postCopyPauseS;
    const postCopyS = this.#send(this.#leftBytes, bytesPerS, rules.compression);
    const durationS = preCopyS + downtimeS + postCopyS;
    return this.#end('postCopy', { preCopyS, durationS, downtimeS, postCopyS });
  }

  #aborted(): MigrationEstimate {
    return this.#end('aborted', { preCopyS: this.#elapsedS, durationS: this.#elapsedS });
  }

  #end(
    outcome: MigrationEstimate['outcome'],
    times: { preCopyS: number; durationS: number; downtimeS?: number; postCopyS?: number },
  ): MigrationEstimate {
    return {
      outcome,
      rounds: this.#memory.rounds,
      bytes: this.#bytes,
      sendingS: this.#sendingS,
      throttle: this.#memory.throttle,
      downtimeS: 0,
      postCopyS: 0,
      ...times,
    };
  }
}
