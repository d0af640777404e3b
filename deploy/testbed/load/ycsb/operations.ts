/** The operations of a client, one after the other: a pure function of workload, shape and seed. */
import { RandomStream } from '../../../../sim/index.ts';
import { recordChooser, recordKey } from './key-choice.ts';
import {
  type OperationKind,
  operationKinds,
  type RecordShape,
  type Workload,
} from './workloads.ts';

/** A command of Redis: its name and arguments. */
export type Command = readonly string[];

/** One operation: its commands are sent in order, each after the answer to the one before. */
export interface Operation {
  readonly kind: OperationKind;
  /** Number of the record. */
  readonly record: number;
  readonly commands: readonly Command[];
}

export interface OperationSource {
  next(): Operation;
  /** An insert was answered, whatever the answer: its record may be read from now on. */
  settled(operation: Operation): void;
}

/**
 * Operations on records 0 … `shape.records` − 1 and those that it inserts.
 *
 * Reads ask for all fields, updates write one, inserts write all. Which record is chosen never depends
 * on when answers come, but for `latest`: a record is chosen once its insert was answered.
 */
export function operationSource(
  workload: Workload,
  shape: RecordShape,
  seed: number,
): OperationSource {
  const kinds = new RandomStream(seed, 'ycsb-kinds');
  const choose = recordChooser(workload.keys, new RandomStream(seed, 'ycsb-records'));
  const fields = new RandomStream(seed, 'ycsb-fields');
  const value = valueSource(shape.fieldBytes, seed);
  const pending = new Set<number>();
  let inserted = shape.records;
  let readable = shape.records;

  const kindOf = (uniform: number): OperationKind => {
    let left = uniform;
    const possible = operationKinds.filter((kind) => (workload.mix[kind] ?? 0) > 0);
    for (const kind of possible) {
      left -= workload.mix[kind]!;
      if (left < 0) return kind;
    }
    return possible.at(-1)!;
  };
  const update = (key: string): Command => [
    'HSET',
    key,
    `field${fields.integer(shape.fields)}`,
    value(),
  ];
  return {
    next() {
      const kind = kindOf(kinds.float());
      if (kind === 'insert') {
        const record = inserted++;
        pending.add(record);
        return { kind, record, commands: [insertCommand(record, shape.fields, value)] };
      }
      const record = choose(readable);
      const key = recordKey(record);
      const read = ['HGETALL', key];
      if (kind === 'read') return { kind, record, commands: [read] };
      if (kind === 'update') return { kind, record, commands: [update(key)] };
      return { kind, record, commands: [read, update(key)] };
    },
    settled({ kind, record }) {
      if (kind !== 'insert') return;
      pending.delete(record);
      // Answers of several connections come in any order; what is readable has no gap.
      while (readable < inserted && !pending.has(readable)) readable++;
    },
  };
}

/** The commands that create the records of the load phase, in order. */
export function* insertCommands(shape: RecordShape, seed: number): Generator<Command> {
  const value = valueSource(shape.fieldBytes, seed);
  for (let record = 0; record < shape.records; record++) {
    yield insertCommand(record, shape.fields, value);
  }
}

function insertCommand(record: number, fields: number, value: () => string): Command {
  const command = ['HSET', recordKey(record)];
  for (let field = 0; field < fields; field++) command.push(`field${field}`, value());
  return command;
}

/** Printable text that does not repeat within a record: pieces of one long random string. */
function valueSource(bytes: number, seed: number): () => string {
  const stream = new RandomStream(seed, 'ycsb-values');
  const length = bytes + 4096;
  const text = Array.from({ length }, () => String.fromCharCode(32 + stream.integer(95))).join('');
  return () => {
    const start = stream.integer(4096);
    return text.slice(start, start + bytes);
  };
}
