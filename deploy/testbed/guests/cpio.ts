/**
 * The archive that the kernel unpacks as its first root file system: cpio in the "newc" form.
 *
 * Each entry is a header of 6 + 13 × 8 ASCII characters (magic and hexadecimal numbers), the name with
 * a NUL, and the content, both filled up with NULs to a multiple of 4 bytes. All times are 0 and all
 * owners root, so equal trees give equal bytes.
 *
 * @see https://www.kernel.org/doc/html/latest/driver-api/early-userspace/buffer-format.html
 */
import { assert } from '../../../sim/index.ts';

export type CpioEntry = {
  /** Relative to the root, without a leading slash. */
  readonly path: string;
} & (
  | { readonly kind: 'directory' }
  | { readonly kind: 'file'; readonly content: Uint8Array; readonly mode: number }
  | { readonly kind: 'link'; readonly target: string }
  | { readonly kind: 'character device'; readonly major: number; readonly minor: number }
);

const typeBits = { directory: 0o040000, file: 0o100000, link: 0o120000, device: 0o020000 } as const;

/** The archive of the entries in their order, with all directories above them, and its end mark. */
export function cpioArchive(entries: readonly CpioEntry[]): Buffer {
  const parts: Buffer[] = [];
  const made = new Set<string>();
  let inode = 1;
  const emit = (name: string, header: Partial<Header>, content: Uint8Array): void => {
    parts.push(record(name, { inode: inode++, ...header }, content));
  };
  for (const entry of entries) {
    for (const directory of directoriesAbove(entry.path)) {
      if (made.has(directory)) continue;
      made.add(directory);
      emit(directory, { mode: typeBits.directory | 0o755, links: 2 }, empty);
    }
    if (entry.kind === 'directory' && made.has(entry.path)) continue;
    assert(!made.has(entry.path), () => `${entry.path} is in the archive twice`);
    made.add(entry.path);
    switch (entry.kind) {
      case 'directory':
        emit(entry.path, { mode: typeBits.directory | 0o755, links: 2 }, empty);
        break;
      case 'file':
        emit(entry.path, { mode: typeBits.file | (entry.mode & 0o7777) }, entry.content);
        break;
      case 'link':
        emit(entry.path, { mode: typeBits.link | 0o777 }, Buffer.from(entry.target));
        break;
      case 'character device': {
        const { major, minor } = entry;
        emit(entry.path, { mode: typeBits.device | 0o600, major, minor }, empty);
      }
    }
  }
  parts.push(record('TRAILER!!!', { inode: 0 }, empty));
  return Buffer.concat(parts);
}

const empty = new Uint8Array(0);

interface Header {
  readonly inode: number;
  readonly mode: number;
  readonly links: number;
  readonly major: number;
  readonly minor: number;
}

function record(name: string, header: Partial<Header>, content: Uint8Array): Buffer {
  const { inode = 0, mode = 0, links = 1, major = 0, minor = 0 } = header;
  const bytes = Buffer.from(`${name}\0`);
  // inode, mode, uid, gid, links, mtime, size, device (2), device node (2), name's size, checksum.
  const fields = [
    ...[inode, mode, 0, 0, links, 0, content.length],
    ...[0, 0, major, minor, bytes.length, 0],
  ];
  const text = `070701${fields.map((value) => value.toString(16).toUpperCase().padStart(8, '0')).join('')}`;
  const head = Buffer.concat([Buffer.from(text), bytes]);
  return Buffer.concat([head, padding(head), content, padding(content)]);
}

/** NULs up to a multiple of 4. */
const padding = (bytes: Uint8Array): Uint8Array => new Uint8Array(-bytes.length & 3);

/** `a/b/c` → `a`, `a/b`. */
function directoriesAbove(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}
