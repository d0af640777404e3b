import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { InputError } from '../../sim/index.ts';
import { firstLineOf } from '../../traces/table-files.ts';
import { readRows } from '../../traces/table-rows.ts';
import { directoryWith } from './temporary-directory.ts';

/** All fields of a file as text. */
function fieldsOf(content: string | Uint8Array, delimiter = ','): string[][] {
  const rows: string[][] = [];
  readRows(join(directoryWith({ a: content }), 'a'), delimiter, (row) => {
    rows.push(Array.from({ length: row.count }, (_, column) => row.text(column)));
  });
  return rows;
}

function numberIn(text: string): number {
  let value = Number.NaN;
  readRows(join(directoryWith({ a: `x,${text},y\n` }), 'a'), ',', (row) => {
    value = row.number(1);
  });
  return value;
}

it('cuts lines into fields', () => {
  expect(fieldsOf('a,b\n1,2\n')).toEqual([
    ['a', 'b'],
    ['1', '2'],
  ]);
  expect(fieldsOf('a;b\r\n;2', ';')).toEqual([
    ['a', 'b'],
    ['', '2'],
  ]);
  expect(fieldsOf('\ufeffa, b ,\n\n\n')).toEqual([['a', 'b', '']]);
  expect(fieldsOf('"a,""b""",c\n')).toEqual([['a,"b"', 'c']]);
  expect(fieldsOf('')).toEqual([]);
  expect(fieldsOf('é,ü\n')).toEqual([['é', 'ü']]);
});

it('reads decimal numbers to the last bit', () => {
  const texts = [
    '0',
    '-1',
    '12.50',
    '1e3',
    '.5',
    '5.',
    '+7',
    ' 3 ',
    '9007199254740993',
    '0.1',
    '-0.30',
  ];
  for (const text of texts) expect(numberIn(text), text).toBe(Number(text));
  for (const text of ['', ' ', 'x', '1x', '0x10', 'NaN', 'Infinity', '1e999', '-', '.', '1.2.3']) {
    expect(numberIn(text), text).toBeNaN();
  }
  const decimal = fc
    .tuple(fc.boolean(), fc.nat(999_999_999), fc.nat(99_999), fc.nat(9))
    .map(
      ([minus, whole, fraction, zeros]) =>
        `${minus ? '-' : ''}${whole}.${'0'.repeat(zeros)}${fraction}`,
    );
  fc.assert(
    fc.property(
      fc.array(fc.oneof(decimal, fc.double({ noNaN: true, noDefaultInfinity: true }).map(String)), {
        minLength: 1,
      }),
      (list) => {
        const read: number[] = [];
        readRows(join(directoryWith({ a: list.join('\n') }), 'a'), ',', (row) =>
          read.push(row.number(0)),
        );
        expect(read).toEqual(list.map(Number));
      },
    ),
    { seed: 7, numRuns: 100 },
  );
});

it('gives the same rows from a plain and a gzip file of several pieces', () => {
  const lines = Array.from(
    { length: 95_000 },
    (_, row) => `m_${row % 17},${row * 10},${'x'.repeat(row % 23)}`,
  );
  const text = lines.join('\n');
  expect(text.length).toBeGreaterThan(2 << 20);
  const directory = directoryWith({ plain: text, packed: gzipSync(text) });
  for (const name of ['plain', 'packed']) {
    const read: string[] = [];
    let inOrder = true;
    const count = readRows(join(directory, name), ',', (row) => {
      inOrder &&= row.line === read.length + 1;
      read.push(`${row.text(0)},${row.number(1)},${row.text(2)}`);
    });
    expect(count).toBe(lines.length);
    expect(inOrder).toBe(true);
    expect(read.join('\n') === text).toBe(true);
  }
  expect(firstLineOf(join(directory, 'packed'))).toBe('m_0,0,');
});

it('names what is no table', () => {
  const expectIssue = (content: string | Uint8Array, issue: RegExp): void => {
    expect(() => fieldsOf(content)).toThrow(InputError);
    expect(() => fieldsOf(content)).toThrow(issue);
  };
  expectIssue('a,b\n1,\0\n', /a:2: expected text, got a NUL byte/);
  expectIssue('a\n\nb\n', /a:2: expected a row, got a blank line/);
  expectIssue('a,"b\nc"\n', /a:1: expected quotes that end on their line/);
  expectIssue('x'.repeat(3 << 20), /a:1: expected lines of at most 1 MiB/);
  expectIssue(
    gzipSync('a,b\n'.repeat(10_000)).subarray(0, 60),
    /a whole gzip file, got unexpected end/,
  );
  const damaged = gzipSync('a,b\n'.repeat(10_000));
  damaged[30]! ^= 0xff;
  expectIssue(damaged, /a whole gzip file/);
  expect(() => readRows('/nonexistent/a', ',', () => undefined)).toThrow(
    /a readable file, got ENOENT/,
  );
});
