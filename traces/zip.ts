/**
 * Regular files of a zip archive, found through its central directory: stored or deflated, no
 * zip64, no encryption, one disk.
 *
 * @see PKWARE, "APPNOTE.TXT - .ZIP File Format Specification", 6.3.10, §4.3 and §4.4.
 */
import { crc32, inflateRawSync } from 'node:zlib';
import { inputError } from '../sim/index.ts';
import type { ArchiveEntry } from './archive.ts';
import { systemCode } from './files.ts';

const endSignature = 0x06054b50;
const endBytes = 22;
const centralSignature = 0x02014b50;
const centralBytes = 46;
const localSignature = 0x04034b50;
const localBytes = 30;
/** A count or size that says "see the zip64 record". */
const zip64Count = 0xffff;
const zip64Size = 0xffffffff;
/** Largest file unpacked, 2 GiB. */
const unpackedMax = 0x80000000;

/** @throws InputError when the archive is damaged, cut short or of a kind not read here. */
export function readZip(bytes: Uint8Array, file: string): readonly ArchiveEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = findEnd(view);
  if (end < 0) throw inputError(file, 'a whole zip archive', 'no end of central directory');
  const count = view.getUint16(end + 10, true);
  let offset = view.getUint32(end + 16, true);
  if (count === zip64Count || offset === zip64Size) {
    throw inputError(file, 'a zip archive without zip64 records', 'zip64');
  }
  const entries: ArchiveEntry[] = [];
  for (let entry = 0; entry < count; entry++) {
    if (offset + centralBytes > end || view.getUint32(offset, true) !== centralSignature) {
      throw inputError(file, `entry ${entry + 1} of ${count} at byte ${offset}`, 'something else');
    }
    const lengths = [28, 30, 32].map((field) => view.getUint16(offset + field, true));
    const [nameBytes = 0, extraBytes = 0, commentBytes = 0] = lengths;
    const name = offset + centralBytes;
    const path = new TextDecoder().decode(bytes.subarray(name, name + nameBytes));
    const central = offset;
    if (!path.endsWith('/')) {
      entries.push({ path, read: () => unpackEntry(bytes, view, central, `${file}:${path}`) });
    }
    offset = name + nameBytes + extraBytes + commentBytes;
  }
  return entries;
}

/** Offset of the end record: the last one, its comment at most 65,535 bytes long. */
function findEnd(view: DataView): number {
  const first = Math.max(0, view.byteLength - endBytes - 0xffff);
  for (let offset = view.byteLength - endBytes; offset >= first; offset--) {
    if (view.getUint32(offset, true) === endSignature) return offset;
  }
  return -1;
}

function unpackEntry(
  bytes: Uint8Array,
  view: DataView,
  central: number,
  place: string,
): Uint8Array {
  const flags = view.getUint16(central + 8, true);
  const method = view.getUint16(central + 10, true);
  const checksum = view.getUint32(central + 16, true);
  const packedBytes = view.getUint32(central + 20, true);
  const size = view.getUint32(central + 24, true);
  const local = view.getUint32(central + 42, true);
  if ((flags & 1) !== 0) throw inputError(place, 'no encryption', 'an encrypted entry');
  if (local + localBytes > view.byteLength || view.getUint32(local, true) !== localSignature) {
    throw inputError(place, `a local header at byte ${local}`, 'something else');
  }
  const start =
    local + localBytes + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
  const packed = bytes.subarray(start, start + packedBytes);
  if (size > unpackedMax || packed.length < packedBytes) {
    throw inputError(place, `${packedBytes} bytes from byte ${start}`, `${packed.length} bytes`);
  }
  const data = inflate(packed, method, size, place);
  const got = crc32(data);
  if (data.length === size && got === checksum) return data;
  throw inputError(place, `${size} bytes of CRC ${checksum}`, `${data.length} bytes of CRC ${got}`);
}

function inflate(packed: Uint8Array, method: number, size: number, place: string): Uint8Array {
  if (method === 0) return packed;
  if (method !== 8) throw inputError(place, 'method 0 (stored) or 8 (deflated)', String(method));
  try {
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, size) });
  } catch (error) {
    throw inputError(place, 'deflated data', systemCode(error));
  }
}
