/** Reads a journal from its first record on, and later what has come since. */
import type { JournalRecord } from './record.ts';
import {
  type Damage,
  readSegment,
  type SegmentEnd,
  type SegmentPosition,
  segmentPath,
  segmentsIn,
} from './segment.ts';

/** What happens while reading. */
export type ReadEvent =
  /** Of what was open before, only what is repeated now is open still. */
  | { readonly type: 'segment' }
  | {
      readonly type: 'record';
      readonly record: JournalRecord;
      /** Read before, and repeated because it is still open. */
      readonly isRepeated: boolean;
    };

/** Reads on from where it stopped, as often as asked; never past damage. */
export class JournalReader {
  readonly #directory: string;
  #segment = 0;
  #position: SegmentPosition | undefined;
  #seq = 0;
  #damage: Damage | undefined;
  #end: SegmentEnd | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Segment that was read last; 0 while there is none. */
  get segment(): number {
    return this.#segment;
  }

  /** How the last segment ended. */
  get end(): SegmentEnd | undefined {
    return this.#end;
  }

  /** Why reading does not go beyond what has been read. */
  get damage(): Damage | undefined {
    return this.#damage;
  }

  /** All that has not been read yet and is whole. Must be read to its end, or not be used again. */
  *events(): Generator<ReadEvent, void> {
    while (this.#damage === undefined) {
      // A writer makes a segment only when it is done with the one before; so look for later ones first.
      const later = segmentsIn(this.#directory).filter((segment) => segment > this.#segment);
      if (this.#segment > 0) yield* this.#read(later.length === 0);
      if (this.#damage !== undefined || later.length === 0) return;
      this.#segment = later[0]!;
      this.#position = undefined;
    }
  }

  /** New records, each once. */
  *records(): Generator<JournalRecord, void> {
    for (const event of this.events()) {
      if (event.type === 'record' && !event.isRepeated) yield event.record;
    }
  }

  *#read(isLast: boolean): Generator<ReadEvent, void> {
    const path = segmentPath(this.#directory, this.#segment);
    const items = readSegment(path, this.#segment, isLast, this.#position);
    let step = items.next();
    for (; !step.done; step = items.next()) {
      if ('header' in step.value) {
        if (step.value.header.next <= this.#seq) break;
        yield { type: 'segment' };
        continue;
      }
      const { record } = step.value;
      const isRepeated = record.seq <= this.#seq;
      this.#seq = Math.max(this.#seq, record.seq);
      yield { type: 'record', record, isRepeated };
    }
    if (!step.done) {
      const reason = `it begins before record ${this.#seq}, which an earlier segment has`;
      items.return({ bytes: 0, lines: 0, next: 0 });
      this.#damage = { file: path, line: 1, reason };
      return;
    }
    this.#end = step.value;
    this.#position = step.value;
    this.#damage = step.value.damage;
  }
}
