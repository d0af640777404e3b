import { readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCached } from '../../traces/cache.ts';
import { readColumns, writeColumns } from '../../traces/columns.ts';
import { readPlanetlab } from '../../traces/planetlab.ts';
import { createSynthetic } from '../../traces/synthetic.ts';
import { directoryWith } from './temporary-directory.ts';

const trace = createSynthetic({ vms: 7, steps: 13, churn: 0.5 });

it('reads back what was written, in shared memory, leaving no temporary file', () => {
  const directory = directoryWith();
  const path = join(directory, 'a.columns');
  writeColumns(path, trace);
  const again = readColumns(path);
  expect(again).toEqual(trace);
  for (const column of [
    again.workload.vcpus,
    again.workload.memoryBytes,
    again.workload.demandUnits,
  ]) {
    expect(column.buffer).toBeInstanceOf(SharedArrayBuffer);
  }
  expect(readdirSync(directory)).toEqual(['a.columns']);
  const bytes = readFileSync(path);
  writeColumns(path, again);
  expect(readFileSync(path).equals(bytes)).toBe(true);
});

describe('a file that is not what was written', () => {
  /** Writes the trace, changes the bytes and reads it. */
  function readChanged(change: (bytes: Buffer) => Uint8Array): () => unknown {
    const path = join(directoryWith(), 'a.columns');
    writeColumns(path, trace);
    writeFileSync(path, change(readFileSync(path)));
    return () => readColumns(path);
  }
  const flip = (offset: number) => (bytes: Buffer) => {
    bytes[offset < 0 ? bytes.length + offset : offset]! ^= 1;
    return bytes;
  };

  it('has another magic', () => {
    expect(readChanged(flip(0))).toThrow(
      'expected a file that starts with WATTCOLS, got "VATTCOLS"',
    );
  });

  it('has another version', () => {
    expect(readChanged(flip(9))).toThrow('expected format version 1, got version 257');
  });

  it('claims a header longer than the file', () => {
    expect(readChanged(flip(15))).toThrow(/expected a header within the file's \d+ bytes/);
  });

  it('has a damaged header or column, any byte of which is noticed', () => {
    expect(readChanged(flip(16))).toThrow('expected a header with SHA-256');
    expect(readChanged(flip(60))).toThrow('expected a header with SHA-256');
    expect(readChanged(flip(-1))).toThrow('expected column demandUnits with SHA-256');
  });

  it('is cut short or too long', () => {
    expect(readChanged((bytes) => bytes.subarray(0, 20))).toThrow(
      'expected 48 bytes or more, got 20 bytes, cut short',
    );
    expect(readChanged((bytes) => bytes.subarray(0, 200))).toThrow(
      /expected a header within the file's 200 bytes/,
    );
    expect(readChanged((bytes) => bytes.subarray(0, -1))).toThrow(
      /expected \d+ bytes, got \d+ bytes/,
    );
    expect(readChanged((bytes) => Buffer.concat([bytes, Buffer.from('x')]))).toThrow(
      /expected \d+ bytes/,
    );
  });

  it('does not exist', () => {
    expect(() => readColumns('/nonexistent/a.columns')).toThrow(
      'expected a readable file, got ENOENT',
    );
  });
});

describe('the cache', () => {
  /** A source, a cache and a reader that counts its calls. */
  function fixture(): {
    source: string;
    cache: string;
    reads: () => number;
    read: (options?: unknown) => ReturnType<typeof readCached>;
  } {
    const source = directoryWith({ a: '1\n2\n', b: '3\n4\n' });
    const cache = join(directoryWith(), 'deep', 'cache');
    let reads = 0;
    const read = (options: unknown = {}): ReturnType<typeof readCached> =>
      readCached(cache, { path: source, options }, () => {
        reads++;
        return readPlanetlab(source);
      });
    return { source, cache, reads: () => reads, read };
  }

  it('reads the source once', () => {
    const { read, reads } = fixture();
    expect(read()).toEqual(read());
    expect(reads()).toBe(1);
  });

  it('reads anew for other options, sizes, times and names', () => {
    const { source, read, reads } = fixture();
    read();
    read({ vms: 1 });
    expect(reads()).toBe(2);
    utimesSync(join(source, 'a'), 1, 1);
    read();
    expect(reads()).toBe(3);
    writeFileSync(join(source, 'a'), '1\n20\n');
    utimesSync(join(source, 'a'), 1, 1);
    expect(read().workload.demandUnits[2]).toBe(20);
    rmSync(join(source, 'b'));
    expect(read().workload.vmNames).toEqual(['a']);
  });

  it('replaces a damaged file', () => {
    const { cache, read, reads } = fixture();
    const first = read();
    const path = join(cache, readdirSync(cache)[0]!);
    writeFileSync(path, readFileSync(path).subarray(0, 100));
    expect(read()).toEqual(first);
    expect(read()).toEqual(first);
    expect(reads()).toBe(2);
  });

  it('says when the directory cannot be written or the source is gone', () => {
    const directory = directoryWith({ file: '1\n' });
    const read = (): typeof trace => trace;
    expect(() => readCached(join(directory, 'file'), { path: directory }, read)).toThrow(
      'expected a writable directory, got',
    );
    expect(() => readCached(directory, { path: join(directory, 'none') }, read)).toThrow(
      'got ENOENT',
    );
  });
});
