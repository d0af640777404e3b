/**
 * Bytes of the FUSE kernel protocol, version 7.31 (`include/uapi/linux/fuse.h`): requests taken apart,
 * answers put together. Little-endian, as all machines this runs on. Nothing here knows files.
 */

/** Operations that this file system is asked for; all others are refused by number. */
export const operations = {
  lookup: 1,
  forget: 2,
  getattr: 3,
  setattr: 4,
  readlink: 5,
  symlink: 6,
  mknod: 8,
  mkdir: 9,
  unlink: 10,
  rmdir: 11,
  rename: 12,
  link: 13,
  open: 14,
  read: 15,
  write: 16,
  statfs: 17,
  release: 18,
  init: 26,
  opendir: 27,
  readdir: 28,
  releasedir: 29,
  create: 35,
  interrupt: 36,
  destroy: 38,
  batchForget: 42,
  rename2: 45,
} as const;

export const protocolMajor = 7;
export const protocolMinor = 31;
/** Before 7.23 (Linux 3.15) the answer to `init` was shorter. */
export const protocolMinorMin = 23;

const headerBytes = 40;
const answerHeaderBytes = 16;
const attributesBytes = 88;

/** Whoever asks and for what; the rest of the request is `body`. */
export interface Request {
  readonly operation: number;
  /** The kernel's number of the request, given back in the answer. */
  readonly unique: bigint;
  readonly inode: number;
  readonly uid: number;
  readonly pid: number;
  readonly body: Buffer;
}

/** Takes a request apart; `undefined` when it is shorter than it says or than a header. */
export function decodeRequest(bytes: Buffer): Request | undefined {
  if (bytes.length < headerBytes) return undefined;
  const length = bytes.readUInt32LE(0);
  if (length < headerBytes || length > bytes.length) return undefined;
  return {
    operation: bytes.readUInt32LE(4),
    unique: bytes.readBigUInt64LE(8),
    inode: Number(bytes.readBigUInt64LE(16)),
    uid: bytes.readUInt32LE(24),
    pid: bytes.readUInt32LE(32),
    body: bytes.subarray(headerBytes, length),
  };
}

/** The kernel's version and abilities. @throws RangeError on a short body, as all readers of bodies. */
export function decodeInit(body: Buffer): { readonly major: number; readonly minor: number } {
  return { major: body.readUInt32LE(0), minor: body.readUInt32LE(4) };
}

/** A name that ends with a zero byte; `undefined` without one, or when nothing stands before it. */
export function decodeName(body: Buffer): string | undefined {
  const end = body.indexOf(0);
  return end <= 0 ? undefined : body.toString('utf8', 0, end);
}

/** Flags of open(2): read only 0, write only 1, both 2. */
export function decodeOpen(body: Buffer): {
  readonly isForReading: boolean;
  readonly isForWriting: boolean;
} {
  const accessMode = body.readUInt32LE(0) & 0o3;
  return { isForReading: accessMode !== 1, isForWriting: accessMode !== 0 };
}

/** Of `read` and `readdir`: which handle, from where, how many bytes. */
export function decodeRead(body: Buffer): {
  readonly handle: bigint;
  readonly offset: number;
  readonly size: number;
} {
  return {
    handle: body.readBigUInt64LE(0),
    offset: Number(body.readBigUInt64LE(8)),
    size: body.readUInt32LE(16),
  };
}

/** A write: data behind 40 bytes of arguments. */
export function decodeWrite(body: Buffer): { readonly data: Buffer } {
  const size = body.readUInt32LE(16);
  if (body.length < 40 + size) throw new RangeError('a write shorter than it says');
  return { data: body.subarray(40, 40 + size) };
}

/** The handle of `release` and `releasedir`. */
export function decodeHandle(body: Buffer): bigint {
  return body.readBigUInt64LE(0);
}

/** What `setattr` is to change; only what is kept here. */
export interface AttributeChange {
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly size?: number;
}

export function decodeSetattr(body: Buffer): AttributeChange {
  const valid = body.readUInt32LE(0);
  return {
    ...((valid & 1) === 0 ? {} : { mode: body.readUInt32LE(68) & 0o7777 }),
    ...((valid & 2) === 0 ? {} : { uid: body.readUInt32LE(76) }),
    ...((valid & 4) === 0 ? {} : { gid: body.readUInt32LE(80) }),
    ...((valid & 8) === 0 ? {} : { size: Number(body.readBigUInt64LE(16)) }),
  };
}

/** An answer: its error number (0 for none), and what it carries. */
export function encodeAnswer(unique: bigint, errno: number, body?: Buffer): Buffer {
  const answer = Buffer.alloc(answerHeaderBytes + (body?.length ?? 0));
  answer.writeUInt32LE(answer.length, 0);
  answer.writeInt32LE(-errno, 4);
  answer.writeBigUInt64LE(unique, 8);
  body?.copy(answer, answerHeaderBytes);
  return answer;
}

/** Version spoken from now on, and the longest write. */
export function encodeInit(minor: number, writeBytesMax: number): Buffer {
  const body = Buffer.alloc(64);
  body.writeUInt32LE(protocolMajor, 0);
  body.writeUInt32LE(Math.min(protocolMinor, minor), 4);
  // No read-ahead and no flags; 12 requests in the background, congested from 9, as the kernel's own.
  body.writeUInt16LE(12, 16);
  body.writeUInt16LE(9, 18);
  body.writeUInt32LE(writeBytesMax, 20);
  body.writeUInt32LE(1, 24);
  return body;
}

/** What `stat` says of a node. */
export interface Attributes {
  readonly inode: number;
  readonly kind: 'file' | 'directory' | 'link';
  readonly mode: number;
  readonly size: number;
  readonly links: number;
  readonly uid: number;
  readonly gid: number;
  /** Of all three times, s since 1970. */
  readonly timeS: number;
}

const typeBits = { file: 0o100000, directory: 0o040000, link: 0o120000 } as const;

function writeAttributes(into: Buffer, start: number, of: Attributes): void {
  into.writeBigUInt64LE(BigInt(of.inode), start);
  into.writeBigUInt64LE(BigInt(of.size), start + 8);
  for (const offset of [24, 32, 40]) {
    into.writeBigUInt64LE(BigInt(Math.floor(of.timeS)), start + offset);
  }
  into.writeUInt32LE(typeBits[of.kind] | of.mode, start + 60);
  into.writeUInt32LE(of.links, start + 64);
  into.writeUInt32LE(of.uid, start + 68);
  into.writeUInt32LE(of.gid, start + 72);
  into.writeUInt32LE(4096, start + 80);
}

/** An entry found by name; name and attributes may be remembered for `validS`. */
export function encodeEntry(attributes: Attributes, validS: number): Buffer {
  const body = Buffer.alloc(40 + attributesBytes);
  body.writeBigUInt64LE(BigInt(attributes.inode), 0);
  body.writeBigUInt64LE(BigInt(validS), 16);
  body.writeBigUInt64LE(BigInt(validS), 24);
  writeAttributes(body, 40, attributes);
  return body;
}

export function encodeAttributes(attributes: Attributes, validS: number): Buffer {
  const body = Buffer.alloc(16 + attributesBytes);
  body.writeBigUInt64LE(BigInt(validS), 0);
  writeAttributes(body, 16, attributes);
  return body;
}

/** An open file. `isDirect`: nothing of it is kept by the kernel, and its size says nothing. */
export function encodeOpen(handle: bigint, isDirect: boolean): Buffer {
  const body = Buffer.alloc(16);
  body.writeBigUInt64LE(handle, 0);
  body.writeUInt32LE(isDirect ? 1 : 0, 8);
  return body;
}

/** How many bytes of a write were taken. */
export function encodeWritten(bytes: number): Buffer {
  const body = Buffer.alloc(8);
  body.writeUInt32LE(bytes, 0);
  return body;
}

/** A file system without blocks. */
export function encodeStatfs(files: number): Buffer {
  const body = Buffer.alloc(80);
  body.writeBigUInt64LE(BigInt(files), 24);
  body.writeUInt32LE(4096, 40);
  body.writeUInt32LE(255, 44);
  body.writeUInt32LE(4096, 48);
  return body;
}

export interface DirectoryEntry {
  readonly inode: number;
  readonly name: string;
  readonly kind: Attributes['kind'];
}

const entryTypes = { file: 8, directory: 4, link: 10 } as const;

/** Entries from a position on, as many as fit into `size` bytes; each says where the next begins. */
export function encodeEntries(
  entries: readonly DirectoryEntry[],
  from: number,
  size: number,
): Buffer {
  const records: Buffer[] = [];
  let length = 0;
  for (let index = from; index < entries.length; index++) {
    const entry = entries[index]!;
    const name = Buffer.from(entry.name);
    const record = Buffer.alloc(Math.ceil((24 + name.length) / 8) * 8);
    record.writeBigUInt64LE(BigInt(entry.inode), 0);
    record.writeBigUInt64LE(BigInt(index + 1), 8);
    record.writeUInt32LE(name.length, 16);
    record.writeUInt32LE(entryTypes[entry.kind], 20);
    name.copy(record, 24);
    length += record.length;
    if (length > size) break;
    records.push(record);
  }
  return Buffer.concat(records);
}
