/** What is written is there, in every way that a file can end. */
import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { type Entry, Journal, JournalReader, type JournalRecord } from '../../../deploy/index.ts';
import { stoppedClock } from './stopped-clock.ts';

const directories: string[] = [];
function newDirectory(): string {
  directories.push(mkdtempSync(join(tmpdir(), 'wattwin-journal-')));
  return join(directories.at(-1)!, 'journal');
}
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

const clock = stoppedClock(1_700_000_000_000);
const event = (message: string): Entry => ({ kind: 'event', code: 'TEST', message });
const quota = (vm: string, coresPerVcpu: number | null) =>
  ({ type: 'setQuota', vm, host: 'node1', coresPerVcpu }) as const;
const intent = (vm: string, from: number | null, to: number | null): Entry => ({
  kind: 'intent',
  decision: 'd1',
  item: 0,
  operation: quota(vm, to),
  undo: [quota(vm, from)],
});
const done = (of: number): Entry => ({
  kind: 'done',
  intent: of,
  effect: { elapsedMs: 5, didChange: true },
});
const first = (directory: string): string => join(directory, 'journal-000001.jsonl');
const messages = (records: Iterable<JournalRecord>): string[] =>
  [...records].flatMap((record) => (record.kind === 'event' ? [record.message] : []));

describe('a journal', () => {
  it('numbers from 1, and is the same when opened again', () => {
    const directory = newDirectory();
    const journal = Journal.open(directory, clock);
    expect(['a', 'b', 'c'].map((text) => journal.append(event(text)))).toEqual([1, 2, 3]);
    const before = [...journal.records()];
    journal.close();
    const again = Journal.open(directory, clock);
    expect([...again.records()]).toEqual(before);
    expect(before[0]).toEqual({ seq: 1, atMs: 1_700_000_000_000, ...event('a') });
    expect(again.append(event('d'))).toBe(4);
    expect(again.notes).toEqual([]);
    again.close();
  });

  it('is plain JSON, one object a line', () => {
    const directory = newDirectory();
    const journal = Journal.open(directory, clock);
    journal.append(event('two\nlines, ümläut, \u2028'));
    journal.close();
    const lines = readFileSync(first(directory), 'utf8').trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { journal: 1, segment: 1, next: 1, carried: 0 },
      {
        seq: 1,
        message: 'two\nlines, ümläut, \u2028',
        crc: expect.stringMatching(/^[0-9a-f]{8}$/),
      },
    ]);
  });

  it('knows what has no end and what is not undone', () => {
    const journal = Journal.open(newDirectory(), clock);
    const [a, b, c] = [intent('a', null, 1), intent('b', null, 1), intent('c', null, 1)].map(
      (entry) => journal.append(entry),
    ) as [number, number, number];
    journal.append(done(a));
    journal.append({ kind: 'failed', intent: b, code: 'ERR_TIMEOUT', message: 'late' });
    expect(journal.openIntents().map(({ seq }) => seq)).toEqual([c]);
    expect(journal.toUndo().map(({ intent: { seq }, end }) => [seq, end?.kind])).toEqual([
      [a, 'done'],
      [b, 'failed'],
      [c, undefined],
    ]);
    journal.append({ kind: 'undone', intent: b });
    expect(journal.toUndo().map(({ intent: { seq } }) => seq)).toEqual([a, c]);
    journal.close();
  });

  it('is empty where there is none, and reading makes none', () => {
    const directory = newDirectory();
    const view = Journal.openReadOnly(directory);
    expect([...view.records()]).toEqual([]);
    expect(view).toMatchObject({ seq: 0, notes: [], damage: undefined });
    expect(() => readdirSync(directory)).toThrow(/ENOENT/);
  });
});

describe('a last line that was not written to its end', () => {
  it('is put aside and cut off, wherever it was cut', () => {
    const whole = newDirectory();
    const journal = Journal.open(whole, clock);
    for (const text of ['a', 'b', 'c']) journal.append(event(text));
    journal.close();
    const bytes = readFileSync(first(whole));
    const start = bytes.lastIndexOf(10, bytes.length - 2) + 1;
    for (let length = start; length < bytes.length; length++) {
      const directory = newDirectory();
      Journal.open(directory, clock).close();
      copyFileSync(first(whole), first(directory));
      truncateSync(first(directory), length);
      expect(messages(Journal.openReadOnly(directory).records())).toEqual(['a', 'b']);
      const opened = Journal.open(directory, clock);
      expect(opened.append(event('d'))).toBe(3);
      expect(messages(opened.records())).toEqual(['a', 'b', 'd']);
      opened.close();
      const aside = readdirSync(directory).filter((name) => name.endsWith('.torn'));
      if (length === start) {
        expect(aside).toEqual([]);
      } else {
        expect(opened.notes.join('\n')).toContain(`${length - start} bytes`);
        expect(readFileSync(join(directory, aside[0]!))).toEqual(bytes.subarray(start, length));
      }
    }
  });

  it('may be a hole: a power failure leaves zeros where nothing was written', () => {
    const directory = newDirectory();
    const journal = Journal.open(directory, clock);
    journal.append(event('a'));
    journal.close();
    appendFileSync(first(directory), `${'\0'.repeat(100)},"crc":"12345678"}\n`);
    const opened = Journal.open(directory, clock);
    expect(opened.append(event('b'))).toBe(2);
    expect(opened.notes[0]).toContain('after record 1');
    opened.close();
  });
});

describe('damage', () => {
  it('of any one byte but in the last line is an error that names file and line', () => {
    const directory = newDirectory();
    const journal = Journal.open(directory, clock);
    for (let count = 0; count < 5; count++) journal.append(event(`event ${count}`));
    journal.close();
    const path = first(directory);
    const bytes = readFileSync(path);
    const lineAt = (offset: number): number =>
      bytes.subarray(0, offset).toString('latin1').split('\n').length;
    void fc.assert(
      fc.property(fc.nat(bytes.length - 2), fc.integer({ min: 1, max: 255 }), (offset, change) => {
        const damaged = Buffer.from(bytes);
        damaged[offset]! ^= change;
        writeFileSync(path, damaged);
        const line = lineAt(offset);
        const view = Journal.openReadOnly(directory);
        const read = [...view.records()].length;
        // A line end less makes one line of two, and a zero in the last line is taken for a hole.
        if (bytes[offset] === 10) expect(read).toBeLessThanOrEqual(line - 1);
        else expect(read).toBe(Math.max(0, line - 2));
        if (line === 6 && damaged[offset] === 0) {
          expect(view.notes[0]).toContain('never written');
          return;
        }
        if (view.damage === undefined) expect.fail('the damage was not seen');
        expect(view.damage).toMatchObject({ file: path, line });
        expect(() => Journal.open(directory, clock)).toThrow(`${path}:${line}: `);
        expect(readFileSync(path)).toEqual(damaged);
      }),
      { seed: 5, numRuns: 200 },
    );
  });

  it('is a line that is gone or stands twice', () => {
    const directory = newDirectory();
    const journal = Journal.open(directory, clock);
    for (const text of ['a', 'b', 'c']) journal.append(event(text));
    journal.close();
    const [header, a, b, c] = readFileSync(first(directory), 'utf8').split('\n');
    for (const lines of [
      [header, a, c],
      [header, a, a, b],
    ]) {
      writeFileSync(first(directory), `${lines.join('\n')}\n`);
      expect(() => Journal.open(directory, clock)).toThrow(/:3: .*where 2 was to come/);
    }
    writeFileSync(first(directory), `${[a, b, c].join('\n')}\n`);
    expect(() => Journal.open(directory, clock)).toThrow(/:1: .*no header/);
    writeFileSync(first(directory), '');
    expect(() => Journal.open(directory, clock)).toThrow(/ends within its beginning/);
    writeFileSync(
      first(directory),
      `${[header!.replace('"journal":1', '"journal":2')].join('\n')}\n`,
    );
    expect(() => Journal.open(directory, clock)).toThrow(/checksum/);
  });
});

describe('segments', () => {
  const open = (directory: string): Journal =>
    Journal.open(directory, clock, { segmentBytes: 2000 });

  it('begin when the one before is large, and say together what one would', () => {
    const directory = newDirectory();
    const journal = open(directory);
    const texts = Array.from({ length: 100 }, (_, index) => `event ${index}`);
    for (const text of texts) journal.append(event(text));
    expect(messages(journal.records())).toEqual(texts);
    journal.close();
    expect(readdirSync(directory).length).toBeGreaterThan(3);
    expect(readdirSync(directory).every((name) => /^journal-\d{6}\.jsonl$/.test(name))).toBe(true);
    const again = open(directory);
    expect(messages(again.records())).toEqual(texts);
    expect(again.append(event('last'))).toBe(101);
    again.close();
  });

  it('carry what is open, so that old ones may be removed', () => {
    const directory = newDirectory();
    const journal = open(directory);
    const a = journal.append(intent('a', 0.7, 0.5));
    journal.append(done(a));
    const b = journal.append(intent('b', null, 0.5));
    const c = journal.append(intent('c', null, 0.5));
    journal.append(done(c));
    journal.append({ kind: 'undone', intent: c });
    for (let count = 0; count < 50; count++) journal.append(event('x'));
    const state = journal.toUndo();
    expect(state.map(({ intent: { seq } }) => seq)).toEqual([a, b]);
    journal.close();
    const names = readdirSync(directory).sort();
    for (const name of names.slice(0, -1)) rmSync(join(directory, name));
    const again = open(directory);
    expect(again.toUndo()).toEqual(state);
    expect(again.openIntents().map(({ seq }) => seq)).toEqual([b]);
    expect(again.seq).toBe(56);
    again.close();
  });

  it('do not carry what only changes again what an older intent has changed', () => {
    const directory = newDirectory();
    const journal = open(directory);
    const oldest = journal.append(intent('a', null, 0.5));
    journal.append(done(oldest));
    for (let count = 0; count < 200; count++) {
      journal.append(done(journal.append(intent('a', 0.5, 0.6))));
    }
    const newest = readdirSync(directory).sort().at(-1)!;
    const [header, carried] = readFileSync(join(directory, newest), 'utf8').split('\n');
    // The oldest and its end; and perhaps an intent whose end came after.
    expect([2, 3]).toContain(JSON.parse(header!).carried);
    expect(JSON.parse(carried!)).toMatchObject({ seq: oldest });
    expect(journal.toUndo().length).toBeLessThan(20);
    const view = Journal.openReadOnly(directory);
    expect(view.toUndo()).toEqual(journal.toUndo());
    journal.close();
  });

  it('carry what has no end, and the last that says where a VM is', () => {
    const directory = newDirectory();
    const journal = open(directory);
    const move = (from: string, to: string): number => {
      const way = { type: 'migrate', vm: 'v', storage: 'shared' } as const;
      const operation = { ...way, from, to };
      const undo = [{ ...way, from: to, to: from }];
      return journal.append({ kind: 'intent', decision: 'd', item: 0, operation, undo });
    };
    const first = move('n1', 'n2');
    const open2 = move('n2', 'n3');
    const between = move('n3', 'n4');
    const last = move('n4', 'n5');
    for (const ended of [first, between, last]) journal.append(done(ended));
    for (let count = 0; count < 30; count++) journal.append(event('x'));
    expect(readdirSync(directory).length).toBeGreaterThan(1);
    expect(journal.toUndo().map(({ intent: { seq } }) => seq)).toEqual([first, open2, last]);
    expect(journal.openIntents().map(({ seq }) => seq)).toEqual([open2]);
    journal.close();
  });

  it('are followed by a reader while they are written', () => {
    const directory = newDirectory();
    const reader = new JournalReader(directory);
    expect([...reader.records()]).toEqual([]);
    const journal = open(directory);
    const texts: string[] = [];
    const read: string[] = [];
    for (let count = 0; count < 100; count++) {
      texts.push(`event ${count}`);
      journal.append(event(`event ${count}`));
      // At times several records, and a new segment, since the last look.
      if (count % 7 < 4) read.push(...messages(reader.records()));
    }
    read.push(...messages(reader.records()));
    expect(read).toEqual(texts);
    journal.close();
  });
});

it('a writer notices that its file was removed, or that another writes to it', () => {
  const removed = newDirectory();
  const journal = Journal.open(removed, clock);
  rmSync(first(removed));
  expect(() => journal.append(event('a'))).toThrow(/removed/);
  const shared = newDirectory();
  const one = Journal.open(shared, clock);
  const two = Journal.open(shared, clock);
  one.append(event('a'));
  expect(() => two.append(event('b'))).toThrow(/something else has written/);
  expect(messages(Journal.openReadOnly(shared).records())).toEqual(['a']);
});
