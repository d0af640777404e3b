/** The journal of a controller: what was decided, what was begun, how it ended, what was undone. */
import type { Clock } from '../clock.ts';
import type { Comparison, Decision } from '../decision.ts';
import { type IntentRecord, type IntentState, JournalIndex } from './journal-index.ts';
import { JournalReader } from './journal-reader.ts';
import type { Entry, JournalRecord } from './record.ts';
import { RecordFile, tornPath } from './record-file.ts';
import { type Damage, journalError, type SegmentEnd } from './segment.ts';

/** A journal as one may look at it. */
export interface JournalView {
  readonly directory: string;
  /** What a person should know of the files, a sentence each. */
  readonly notes: readonly string[];
  /** Where reading had to stop; what lies behind it is not known. */
  readonly damage: Damage | undefined;
  /** Number of the newest record; 0 for none. */
  readonly seq: number;
  /** Every record once, from the files, oldest first. */
  records(): Iterable<JournalRecord>;
  openIntents(): IntentRecord[];
  toUndo(): IntentState[];
  decisions(): Decision[];
  /** Latest version; an old one is looked for in the files. */
  decision(id: string): Decision | undefined;
  comparisons(): readonly Comparison[];
}

export interface JournalOptions {
  /** Size from which a new segment is begun, bytes. */
  readonly segmentBytes?: number;
}

const defaultSegmentBytes = 16 * 2 ** 20;

/**
 * A journal that grows. Only one process may have one open for a directory: take the lease first
 * (`lease.ts`).
 */
export class Journal implements JournalView {
  readonly directory: string;
  readonly #clock: Clock;
  readonly #index: JournalIndex;
  readonly #notes: string[];
  readonly #segmentBytes: number;
  #rotateBytes: number;
  #file: RecordFile;
  #next: number;

  private constructor(
    directory: string,
    clock: Clock,
    index: JournalIndex,
    file: RecordFile,
    next: number,
    notes: string[],
    segmentBytes: number,
  ) {
    this.directory = directory;
    this.#clock = clock;
    this.#index = index;
    this.#file = file;
    this.#next = next;
    this.#notes = notes;
    this.#segmentBytes = segmentBytes;
    this.#rotateBytes = segmentBytes;
  }

  /**
   * Opens the journal in a directory, which is made where there is none. A last line that was never
   * written to its end is put aside and cut off; `notes` tells.
   *
   * @throws OperationError `ERR_JOURNAL` when it is damaged or cannot be written.
   */
  static open(directory: string, clock: Clock, options: JournalOptions = {}): Journal {
    const { index, reader, notes } = load(directory);
    const { damage, end, segment } = reader;
    if (damage !== undefined) throw journalError(damageText(damage));
    const file =
      end === undefined
        ? RecordFile.create(directory, 1, 1, [])
        : RecordFile.continue(directory, segment, end);
    if (end?.tornBytes !== undefined) notes.push(`they are kept in ${tornPath(file.path, end)}`);
    const { segmentBytes = defaultSegmentBytes } = options;
    return new Journal(directory, clock, index, file, end?.next ?? 1, notes, segmentBytes);
  }

  /**
   * Reads a journal, perhaps while a controller writes it. Damage is no error here: what can be read
   * is there, and `damage` tells.
   */
  static openReadOnly(directory: string): JournalView {
    const { index, reader, notes } = load(directory);
    const { damage, end } = reader;
    return {
      directory,
      notes: damage === undefined ? notes : [...notes, damageText(damage)],
      damage,
      seq: (end?.next ?? 1) - 1,
      records: () => new JournalReader(directory).records(),
      openIntents: () => index.openIntents(),
      toUndo: () => index.toUndo(),
      decisions: () => index.decisions(),
      decision: (id) => index.decision(id) ?? findDecision(directory, id),
      comparisons: () => index.comparisons(),
    };
  }

  get notes(): readonly string[] {
    return this.#notes;
  }

  get damage(): undefined {
    return undefined;
  }

  get seq(): number {
    return this.#next - 1;
  }

  /**
   * Writes down. When it returns, the record is on disk.
   *
   * @returns The record's number.
   * @throws OperationError `ERR_JOURNAL`; then nothing was written.
   */
  append(entry: Entry): number {
    if (this.#file.bytes >= this.#rotateBytes) this.#rotate();
    const record: JournalRecord = { seq: this.#next, atMs: this.#clock.wallMs(), ...entry };
    this.#file.append(record);
    this.#next++;
    this.#index.take(record);
    return record.seq;
  }

  records(): Iterable<JournalRecord> {
    return new JournalReader(this.directory).records();
  }

  openIntents(): IntentRecord[] {
    return this.#index.openIntents();
  }

  toUndo(): IntentState[] {
    return this.#index.toUndo();
  }

  decisions(): Decision[] {
    return this.#index.decisions();
  }

  decision(id: string): Decision | undefined {
    return this.#index.decision(id) ?? findDecision(this.directory, id);
  }

  comparisons(): readonly Comparison[] {
    return this.#index.comparisons();
  }

  close(): void {
    this.#file.close();
  }

  /** A segment that cannot be begun is no reason to stop: the old one goes on for a while. */
  #rotate(): void {
    const carried = this.#index.carried();
    try {
      const fresh = RecordFile.create(this.directory, this.#file.segment + 1, this.#next, carried);
      this.#file.close();
      this.#file = fresh;
      this.#rotateBytes = fresh.bytes + this.#segmentBytes;
      this.#index.beginSegment();
      for (const record of carried) this.#index.take(record);
    } catch (error) {
      this.#rotateBytes = this.#file.bytes + this.#segmentBytes / 8;
      this.#notes.push(`no new segment: ${(error as Error).message}`);
    }
  }
}

function load(directory: string): { index: JournalIndex; reader: JournalReader; notes: string[] } {
  const index = new JournalIndex();
  const reader = new JournalReader(directory);
  for (const event of reader.events()) {
    if (event.type === 'segment') index.beginSegment();
    else index.take(event.record);
  }
  const notes = reader.end?.tornBytes === undefined ? [] : [tornText(reader.end)];
  return { index, reader, notes };
}

const tornText = ({ next, tornBytes }: SegmentEnd): string =>
  `after record ${next - 1}, ${tornBytes} bytes of a record that was never written to its end`;

const damageText = ({ file, line, reason }: Damage): string =>
  `${file}:${line}: the journal is damaged: ${reason}. What lies before can be read; nothing is ` +
  'written to it any more';

function findDecision(directory: string, id: string): Decision | undefined {
  let found: Decision | undefined;
  for (const record of new JournalReader(directory).records()) {
    if (record.kind === 'decision' && record.decision.id === id) found = record.decision;
  }
  return found;
}
