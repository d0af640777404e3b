/** The archive of a guest's first root file system, byte by byte and read back by a plain reader. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CpioEntry, cpioArchive } from '../../../deploy/testbed/guests/cpio.ts';

const hex = (value: number): string => value.toString(16).toUpperCase().padStart(8, '0');

interface Read {
  readonly name: string;
  readonly inode: number;
  readonly mode: number;
  readonly device: readonly [number, number];
  readonly content: string;
}

/** As the kernel's `init/initramfs.c` walks through it. */
function readArchive(bytes: Buffer): Read[] {
  const found: Read[] = [];
  for (let at = 0; ; ) {
    expect(bytes.toString('latin1', at, at + 6)).toBe('070701');
    const field = (index: number): number =>
      Number.parseInt(bytes.toString('latin1', at + 6 + index * 8, at + 14 + index * 8), 16);
    const [size, nameBytes] = [field(6), field(11)];
    const nameAt = at + 110;
    const name = bytes.toString('utf8', nameAt, nameAt + nameBytes - 1);
    expect(bytes[nameAt + nameBytes - 1]).toBe(0);
    const contentAt = (nameAt + nameBytes + 3) & ~3;
    if (name === 'TRAILER!!!') {
      expect(contentAt).toBe(bytes.length);
      return found;
    }
    found.push({
      name,
      inode: field(0),
      mode: field(1),
      device: [field(9), field(10)],
      content: bytes.toString('latin1', contentAt, contentAt + size),
    });
    at = (contentAt + size + 3) & ~3;
  }
}

describe('an archive', () => {
  it('of one file has the bytes that the format asks for', () => {
    const file: CpioEntry = { path: 'a', kind: 'file', content: Buffer.from('hello'), mode: 0o644 };
    const header = (inode: number, mode: number, size: number, name: number): string =>
      ['070701', ...[inode, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, name, 0].map(hex)].join('');
    // 110 bytes of header and 2 of name need no padding; 5 of content need 3. 110 + 11 need 3.
    const first = `${header(1, 0o100644, 5, 2)}a\0hello\0\0\0`;
    const last = `${header(0, 0, 0, 11)}TRAILER!!!\0\0\0\0`;
    expect(cpioArchive([file]).toString('latin1')).toBe(first + last);
  });

  it('has every directory above an entry once, before it', () => {
    const entries: CpioEntry[] = [
      { path: 'a/b', kind: 'directory' },
      { path: 'a/b/c/init', kind: 'file', content: Buffer.from('x'), mode: 0o755 },
      { path: 'a/b', kind: 'directory' },
      { path: 'a/link', kind: 'link', target: 'b/c/init' },
      { path: 'dev/console', kind: 'character device', major: 5, minor: 1 },
    ];
    expect(
      readArchive(cpioArchive(entries)).map(({ name, mode, content, device }) => [
        name,
        mode.toString(8),
        content,
        ...device,
      ]),
    ).toEqual([
      ['a', '40755', '', 0, 0],
      ['a/b', '40755', '', 0, 0],
      ['a/b/c', '40755', '', 0, 0],
      ['a/b/c/init', '100755', 'x', 0, 0],
      ['a/link', '120777', 'b/c/init', 0, 0],
      ['dev', '40755', '', 0, 0],
      ['dev/console', '20600', '', 5, 1],
    ]);
  });

  it('refuses a second entry of one name', () => {
    const file: CpioEntry = { path: 'a', kind: 'file', content: Buffer.alloc(0), mode: 0o644 };
    expect(() => cpioArchive([file, file])).toThrow('a is in the archive twice');
  });

  it('of any files is read back as it was, each with a number of its own', () => {
    const name = fc.stringMatching(/^[a-zé]{1,20}$/);
    const files = fc.uniqueArray(fc.tuple(name, fc.uint8Array({ maxLength: 40 })), {
      selector: ([path]) => path,
    });
    fc.assert(
      fc.property(files, (all) => {
        const archive = cpioArchive(
          all.map(([path, content]) => ({ path, kind: 'file', content, mode: 0o600 })),
        );
        const found = readArchive(archive);
        expect(found.map((entry) => [entry.name, entry.content])).toEqual(
          all.map(([path, content]) => [path, Buffer.from(content).toString('latin1')]),
        );
        expect(new Set(found.map(({ inode }) => inode)).size).toBe(all.length);
      }),
      { seed: 7, numRuns: 300 },
    );
  });
});
