/**
 * Regular files of a gzipped tar archive: ustar with prefix, GNU long names (`L`) and pax paths
 * (`x`), as `git archive` and GNU tar write them.
 */
import { gunzipSync } from 'node:zlib';
import { inputError } from '../sim/index.ts';
import type { ArchiveEntry } from './archive.ts';
import { systemCode } from './files.ts';

const blockBytes = 512;
/** Largest archive unpacked, 2 GiB. */
const unpackedMax = 0x80000000;

/** @throws InputError when the archive is damaged or cut short. */
export function readTarGz(bytes: Uint8Array, file: string): readonly ArchiveEntry[] {
  const tar = gunzip(bytes, file);
  const entries: ArchiveEntry[] = [];
  let longPath: string | undefined;
  let offset = 0;
  while (offset + blockBytes <= tar.length) {
    const header = tar.subarray(offset, offset + blockBytes);
    if (header.every((byte) => byte === 0)) return entries;
    checkHeader(header, file, offset);
    const size = octal(header, 124, 12);
    const start = offset + blockBytes;
    if (start + size > tar.length) break;
    const data = tar.subarray(start, start + size);
    const type = String.fromCharCode(header[156]!);
    if (type === 'L') longPath = text(data);
    else if (type === 'x') longPath = paxPath(data) ?? longPath;
    else {
      if (type === '0' || type === '\0') {
        entries.push({ path: longPath ?? headerPath(header), read: () => data });
      }
      // A global pax header (`g`) names no file and leaves a long name alone.
      if (type !== 'g') longPath = undefined;
    }
    offset = start + Math.ceil(size / blockBytes) * blockBytes;
  }
  throw inputError(file, 'a whole tar archive', `one cut short at byte ${offset}`);
}

function gunzip(bytes: Uint8Array, file: string): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: unpackedMax });
  } catch (error) {
    throw inputError(file, 'a whole gzip file', systemCode(error));
  }
}

/** The header's bytes, its checksum field counted as spaces, must add up to the checksum. */
function checkHeader(header: Uint8Array, file: string, offset: number): void {
  let sum = 0;
  for (let index = 0; index < blockBytes; index++) {
    sum += index >= 148 && index < 156 ? 0x20 : header[index]!;
  }
  const expected = octal(header, 148, 8);
  if (sum === expected) return;
  throw inputError(file, `a tar header of checksum ${expected} at byte ${offset}`, String(sum));
}

function headerPath(header: Uint8Array): string {
  const name = text(header.subarray(0, 100));
  const isUstar = text(header.subarray(257, 262)) === 'ustar';
  const prefix = isUstar ? text(header.subarray(345, 500)) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

/** Value of the record `length path=value` of a pax header. */
function paxPath(data: Uint8Array): string | undefined {
  return /(?:^|\n)\d+ path=([^\n]*)\n/.exec(new TextDecoder().decode(data))?.[1];
}

function octal(header: Uint8Array, offset: number, length: number): number {
  return Number.parseInt(text(header.subarray(offset, offset + length)).trim() || '0', 8);
}

/** Text up to the first NUL. */
function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}
