import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type ArchiveKind, unpack } from '../../traces/archive.ts';
import { tarBlocks, tarHeader, tarOf, zipOf } from './archives.ts';
import { directoryWith } from './temporary-directory.ts';

/** Unpacks bytes and returns the files found, by path. */
function unpacked(bytes: Uint8Array, kind: ArchiveKind): Record<string, string> {
  const directory = directoryWith({ archive: bytes });
  const target = join(directory, 'out');
  try {
    const count = unpack(join(directory, 'archive'), kind, target);
    const names = readdirSync(target, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    expect(names).toHaveLength(count);
    return Object.fromEntries(
      names.map((name) => [name.slice(target.length + 1), readFileSync(name, 'utf8')]),
    );
  } catch (error) {
    // Nothing half unpacked stays behind.
    expect(readdirSync(directory)).toEqual(['archive']);
    throw error;
  }
}

const files = { 'rnd/2013-7/1.csv': 'a'.repeat(5000), 'rnd/2013-8/2.csv': '', 'rnd/x.stored': 'b' };
const expected = { '2013-7/1.csv': 'a'.repeat(5000), '2013-8/2.csv': '', 'x.stored': 'b' };

it('unpacks zip and tar.gz alike, without the folder around everything', () => {
  expect(unpacked(zipOf(files), 'zip')).toEqual(expected);
  expect(unpacked(zipOf(files, 'a comment'), 'zip')).toEqual(expected);
  expect(unpacked(gzipSync(tarOf(files)), 'tar.gz')).toEqual(expected);
});

it('leaves out folders, hidden files and resource forks', () => {
  const noise = {
    'rnd/': '',
    'rnd/.DS_Store': 'x',
    '__MACOSX/rnd/._1.csv': 'x',
    '.git/config': 'x',
  };
  expect(unpacked(zipOf({ ...noise, ...files }), 'zip')).toEqual(expected);
});

it('reads long names of GNU tar and pax, ustar prefixes, and skips global headers and links', () => {
  const long = `${'d'.repeat(99)}/${'f'.repeat(80)}`;
  const pax = `${(long.length + 10).toString()} path=p${long}\n`;
  const tar = Buffer.concat([
    tarHeader('pax_global_header', 10, 'g'),
    tarBlocks('10 x=yyyy\n'),
    tarHeader('././@LongLink', long.length + 1, 'L'),
    tarBlocks(`${long}\0`),
    tarHeader(long, 1),
    tarBlocks('1'),
    tarHeader('pax', pax.length, 'x'),
    tarBlocks(pax),
    tarHeader('short', 1),
    tarBlocks('2'),
    tarHeader('link', 0, '2'),
    tarHeader('name', 1, '0', 'prefix'),
    tarBlocks('3'),
    Buffer.alloc(1024),
  ]);
  expect(unpacked(gzipSync(tar), 'tar.gz')).toEqual({
    [long]: '1',
    [`p${long}`]: '2',
    'prefix/name': '3',
  });
});

describe('archives that are refused', () => {
  it.each(['../evil', '/evil', 'a/../../evil', 'a\\evil', 'a//b'])('holds the path %s', (path) => {
    const bad = { 'a/b': '1', [path]: 'x' };
    expect(() => unpacked(zipOf(bad), 'zip')).toThrow(
      `expected paths within the archive, got ${path}`,
    );
    expect(() => unpacked(gzipSync(tarOf(bad)), 'tar.gz')).toThrow('paths within the archive');
  });

  it('is damaged, cut short or empty', () => {
    const zip = zipOf(files);
    const tar = tarOf(files);
    expect(() => unpacked(zip.subarray(0, -10), 'zip')).toThrow('no end of central directory');
    expect(() => unpacked(Buffer.alloc(5), 'zip')).toThrow('no end of central directory');
    expect(() => unpacked(zipOf({}), 'zip')).toThrow('expected an archive with files, got no file');
    expect(() => unpacked(gzipSync(tar.subarray(0, 1600)), 'tar.gz')).toThrow('cut short');
    expect(() => unpacked(gzipSync(tar).subarray(0, -30), 'tar.gz')).toThrow(
      'expected a whole gzip file',
    );
    expect(() => unpacked(Buffer.from('no gzip'), 'tar.gz')).toThrow('expected a whole gzip file');
    tar[3]! ^= 1;
    expect(() => unpacked(gzipSync(tar), 'tar.gz')).toThrow('expected a tar header of checksum');
  });

  it('has a wrong checksum, method, encryption or size', () => {
    const change = (field: number, value: number): Buffer => {
      const zip = zipOf({ 'a.stored': 'hello' });
      zip[zip.indexOf('PK\u0001\u0002') + field] = value;
      return zip;
    };
    expect(() => unpacked(change(16, 0), 'zip')).toThrow('expected 5 bytes of CRC');
    expect(() => unpacked(change(10, 12), 'zip')).toThrow(
      'expected method 0 (stored) or 8 (deflated), got 12',
    );
    expect(() => unpacked(change(10, 8), 'zip')).toThrow('expected deflated data');
    expect(() => unpacked(change(8, 1), 'zip')).toThrow('expected no encryption');
    expect(() => unpacked(change(23, 9), 'zip')).toThrow(/expected \d+ bytes from byte 38/);
    expect(() => unpacked(change(44, 9), 'zip')).toThrow('expected a local header at byte');
  });
});
