/** The FUSE protocol in bytes, and answers to requests: good ones, bad ones, nonsense. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FileError } from '../../../deploy/testbed/hardware/errno.ts';
import {
  attribute,
  directory,
  link,
  numberTree,
  procFile,
  setting,
} from '../../../deploy/testbed/hardware/file-tree.ts';
import {
  decodeRequest,
  decodeSetattr,
  encodeAnswer,
  encodeAttributes,
  encodeEntries,
  encodeEntry,
  encodeInit,
  encodeStatfs,
  operations,
} from '../../../deploy/testbed/hardware/fuse-protocol.ts';
import { RequestHandler } from '../../../deploy/testbed/hardware/fuse-requests.ts';

const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ''), 'hex');

/** A request as the kernel would write it. */
function request(operation: number, inode: number, body: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(40);
  head.writeUInt32LE(40 + body.length, 0);
  head.writeUInt32LE(operation, 4);
  head.writeBigUInt64LE(77n, 8);
  head.writeBigUInt64LE(BigInt(inode), 16);
  return Buffer.concat([head, body]);
}

describe('bytes', () => {
  it('of a request are taken apart', () => {
    // LOOKUP of "stat" in node 3, unique 0x0102, by uid 1000, pid 4242.
    const bytes = hex(`
      2d000000 01000000 0201000000000000 0300000000000000
      e8030000 e8030000 92100000 00000000 7374617400`);
    expect(decodeRequest(bytes)).toEqual({
      operation: 1,
      unique: 0x102n,
      inode: 3,
      uid: 1000,
      pid: 4242,
      body: Buffer.from('stat\0'),
    });
  });

  it('of a request that is cut short are none', () => {
    const whole = request(operations.lookup, 1, Buffer.from('a\0'));
    for (let length = 0; length < whole.length; length++) {
      expect(decodeRequest(whole.subarray(0, length))).toBeUndefined();
    }
    expect(decodeRequest(hex('0a000000').fill(1))).toBeUndefined();
  });

  it('of an answer hold length, negative error, and the request’s number', () => {
    expect(encodeAnswer(0x102n, 22).toString('hex')).toBe('10000000eaffffff0201000000000000');
    expect(encodeAnswer(5n, 0, hex('aabb')).toString('hex')).toBe(
      '12000000000000000500000000000000aabb',
    );
  });

  it('of the first answer name 7.31, or what an older kernel speaks', () => {
    const body = encodeInit(38, 4096);
    expect(body).toHaveLength(64);
    expect(body.toString('hex', 0, 28)).toBe(
      '070000001f000000 00000000 00000000 0c000900 00100000 01000000'.replaceAll(' ', ''),
    );
    expect(encodeInit(26, 4096).readUInt32LE(4)).toBe(26);
  });

  it('of attributes stand where the kernel looks for them', () => {
    const attributes = {
      inode: 9,
      kind: 'file',
      mode: 0o644,
      size: 4096,
      links: 1,
      uid: 7,
      gid: 8,
      timeS: 1_700_000_000.9,
    } as const;
    const body = encodeAttributes(attributes, 3600);
    expect(body).toHaveLength(104);
    expect(body.readBigUInt64LE(0)).toBe(3600n);
    expect(body.toString('hex', 16)).toBe(
      [
        ['0900000000000000', '0010000000000000', '0000000000000000'],
        ['00f1536500000000', '00f1536500000000', '00f1536500000000'],
        ['00000000', '00000000', '00000000', 'a4810000', '01000000'],
        ['07000000', '08000000', '00000000', '00100000', '00000000'],
      ]
        .flat()
        .join(''),
    );
    const entry = encodeEntry({ ...attributes, kind: 'link' }, 1);
    expect(entry).toHaveLength(128);
    expect(entry.readUInt32LE(40 + 60)).toBe(0o120644);
  });

  it('of directory entries are padded to 8 and go on where the last read ended', () => {
    const entries = [
      { inode: 1, name: '.', kind: 'directory' },
      { inode: 5, name: 'ninechars', kind: 'file' },
    ] as const;
    const all = encodeEntries(entries, 0, 4096);
    expect(all.toString('hex')).toBe(
      [
        ['0100000000000000', '0100000000000000', '01000000', '04000000', '2e00000000000000'],
        ['0500000000000000', '0200000000000000', '09000000', '08000000'],
        ['6e696e6563686172', '7300000000000000'],
      ]
        .flat()
        .join(''),
    );
    expect(encodeEntries(entries, 0, 71)).toEqual(all.subarray(0, 32));
    expect(encodeEntries(entries, 1, 4096)).toEqual(all.subarray(32));
    expect(encodeEntries(entries, 2, 4096)).toHaveLength(0);
  });

  it('of setattr say only what is to change', () => {
    const body = Buffer.alloc(88);
    body.writeUInt32LE(1 | 8, 0);
    body.writeBigUInt64LE(3n, 16);
    body.writeUInt32LE(0o100640, 68);
    body.writeUInt32LE(5, 76);
    expect(decodeSetattr(body)).toEqual({ mode: 0o640, size: 3 });
  });

  it('of statfs hold block size and the longest name', () => {
    const body = encodeStatfs(12);
    expect(body).toHaveLength(80);
    expect([body.readUInt32LE(40), body.readUInt32LE(44)]).toEqual([4096, 255]);
  });
});

/** A small tree: 1 root, 2 `a`, 3 `knob`, 4 `plain`, 5 `long`, 6 `secret`, 7 `to`. */
function smallTree() {
  const written: string[] = [];
  let version = 0;
  const handler = new RequestHandler(
    numberTree(
      directory({
        a: directory({
          knob: setting(
            () => written.at(-1) ?? 'none',
            (text) => {
              if (text.startsWith('bad')) throw new FileError('EINVAL');
              if (text.startsWith('broken')) throw new Error('unforeseen');
              written.push(text);
            },
          ),
          plain: attribute(() => 'value'),
          long: procFile(() => `${version++}`.repeat(10_000)),
          secret: {
            ...setting(
              () => '',
              () => {},
            ),
            mode: 0o200,
          },
        }),
        to: link('a/plain'),
      }),
    ),
    1_700_000_000,
  );
  const ask = (operation: number, inode: number, body?: Buffer) => {
    const answer = handler.answer(request(operation, inode, body));
    if (answer === undefined) return undefined;
    expect(answer.readUInt32LE(0)).toBe(answer.length);
    expect(answer.readBigUInt64LE(8)).toBe(77n);
    return { errno: 0 - answer.readInt32LE(4), body: answer.subarray(16) };
  };
  const open = (inode: number, flags: number) => {
    const body = Buffer.alloc(8);
    body.writeUInt32LE(flags, 0);
    const answer = ask(operations.open, inode, body)!;
    return {
      errno: answer.errno,
      handle: answer.errno === 0 ? answer.body.readBigUInt64LE(0) : 0n,
    };
  };
  const read = (inode: number, handle: bigint, offset: number, size: number, list = false) => {
    const body = Buffer.alloc(40);
    body.writeBigUInt64LE(handle, 0);
    body.writeBigUInt64LE(BigInt(offset), 8);
    body.writeUInt32LE(size, 16);
    return ask(list ? operations.readdir : operations.read, inode, body)!;
  };
  const write = (inode: number, handle: bigint, text: string, offset = 0) => {
    const body = Buffer.alloc(40);
    body.writeBigUInt64LE(handle, 0);
    body.writeBigUInt64LE(BigInt(offset), 8);
    body.writeUInt32LE(text.length, 16);
    return ask(operations.write, inode, Buffer.concat([body, Buffer.from(text)]))!;
  };
  return { handler, ask, open, read, write, written };
}

const readOnly = 0;
const writeOnly = 1;
const readWrite = 2;

describe('requests', () => {
  it('find files by name, and say what is not there', () => {
    const { ask } = smallTree();
    const found = ask(operations.lookup, 2, Buffer.from('knob\0'))!;
    expect([found.errno, found.body.readBigUInt64LE(0)]).toEqual([0, 3n]);
    expect(ask(operations.lookup, 2, Buffer.from('nothing\0'))!.errno).toBe(2);
    expect(ask(operations.lookup, 3, Buffer.from('x\0'))!.errno).toBe(20);
    expect(ask(operations.lookup, 99, Buffer.from('x\0'))!.errno).toBe(2);
    expect(ask(operations.readlink, 7)!.body.toString()).toBe('a/plain');
  });

  it('read one moment, in pieces; from the start again, a new one', () => {
    const { open, read } = smallTree();
    const { handle } = open(5, readOnly);
    expect(read(5, handle, 0, 4).body.toString()).toBe('0000');
    expect(read(5, handle, 9998, 100).body.toString()).toBe('00');
    expect(read(5, handle, 10_000, 100).body).toHaveLength(0);
    expect(read(5, handle, 0, 4).body.toString()).toBe('1111');
    const other = open(5, readOnly).handle;
    expect(read(5, other, 5000, 2).body.toString()).toBe('22');
    expect(read(5, handle, 4, 4).body.toString()).toBe('1111');
    expect(read(5, 999n, 0, 4).errno).toBe(9);
  });

  it('write every piece as a value of its own, wherever it goes', () => {
    const { open, write, written } = smallTree();
    const { handle } = open(3, writeOnly);
    expect(write(3, handle, 'one\n').body.readUInt32LE(0)).toBe(4);
    expect(write(3, handle, 'two\n', 4).body.readUInt32LE(0)).toBe(4);
    expect(write(3, handle, 'bad\n', 8).errno).toBe(22);
    expect(write(3, handle, 'broken\n', 8).errno).toBe(5);
    expect(write(3, handle, 'three\n', 8).errno).toBe(0);
    expect(written).toEqual(['one\n', 'two\n', 'three\n']);
  });

  it('open only what can be read or written, even for root', () => {
    const { open, write } = smallTree();
    expect(open(4, readOnly).errno).toBe(0);
    expect(open(4, writeOnly).errno).toBe(13);
    expect(open(4, readWrite).errno).toBe(13);
    expect(open(6, readOnly).errno).toBe(13);
    expect(open(6, writeOnly).errno).toBe(0);
    expect(open(2, readOnly).errno).toBe(21);
    expect(write(4, 1n, 'x').errno).toBe(13);
  });

  it('forget handles that are released', () => {
    const { ask, open, handler } = smallTree();
    const { handle } = open(4, readOnly);
    ask(operations.opendir, 1, Buffer.alloc(8));
    expect(handler.openCount).toBe(2);
    const body = Buffer.alloc(24);
    body.writeBigUInt64LE(handle, 0);
    expect(ask(operations.release, 4, body)!.errno).toBe(0);
    expect(handler.openCount).toBe(1);
  });

  it('list a directory in as many reads as it takes', () => {
    const { read } = smallTree();
    const names: string[] = [];
    for (let offset = 0; ; ) {
      const { body } = read(2, 1n, offset, 64, true);
      if (body.length === 0) break;
      for (let at = 0; at < body.length; ) {
        offset = Number(body.readBigUInt64LE(at + 8));
        const length = body.readUInt32LE(at + 16);
        names.push(body.toString('utf8', at + 24, at + 24 + length));
        at += Math.ceil((24 + length) / 8) * 8;
      }
    }
    expect(names).toEqual(['.', '..', 'knob', 'plain', 'long', 'secret']);
  });

  it('keep mode and owner that somebody sets; a size only of what can be written', () => {
    const { ask } = smallTree();
    const body = Buffer.alloc(88);
    body.writeUInt32LE(1 | 2 | 4, 0);
    body.writeUInt32LE(0o100600, 68);
    body.writeUInt32LE(33, 76);
    body.writeUInt32LE(44, 80);
    ask(operations.setattr, 4, body);
    const now = ask(operations.getattr, 4, Buffer.alloc(16))!.body;
    expect(now.readUInt32LE(16 + 60)).toBe(0o100600);
    expect([now.readUInt32LE(16 + 68), now.readUInt32LE(16 + 72)]).toEqual([33, 44]);
    const truncate = Buffer.alloc(88);
    truncate.writeUInt32LE(8, 0);
    expect(ask(operations.setattr, 3, truncate)!.errno).toBe(0);
    expect(ask(operations.setattr, 4, truncate)!.errno).toBe(13);
  });

  it('refuse to make and remove anything, as sysfs does', () => {
    const { ask } = smallTree();
    const errors = (names: readonly (keyof typeof operations)[]) =>
      names.map((name) => ask(operations[name], 1, Buffer.alloc(64))!.errno);
    expect(errors(['create', 'mknod'])).toEqual([13, 13]);
    const removals = ['mkdir', 'unlink', 'rmdir', 'rename', 'symlink', 'link'] as const;
    expect(new Set(errors(removals))).toEqual(new Set([1]));
    // ioctl, flush, poll
    expect([39, 25, 40].map((operation) => ask(operation, 3, Buffer.alloc(64))!.errno)).toEqual([
      38, 38, 38,
    ]);
  });

  it('need no answer when nobody waits for one', () => {
    const { ask } = smallTree();
    for (const name of ['forget', 'batchForget', 'interrupt'] as const) {
      expect(ask(operations[name], 1, Buffer.alloc(16))).toBeUndefined();
    }
  });

  it('begin with versions: a newer kernel is told ours, a much older one refused', () => {
    const { ask } = smallTree();
    const init = (major: number, minor: number) => {
      const body = Buffer.alloc(16);
      body.writeUInt32LE(major, 0);
      body.writeUInt32LE(minor, 4);
      return ask(operations.init, 0, body)!;
    };
    expect(init(7, 45).body.readUInt32LE(4)).toBe(31);
    expect(init(8, 0).body.readUInt32LE(0)).toBe(7);
    expect(init(7, 12).errno).toBe(71);
    expect(init(6, 1).errno).toBe(71);
  });

  it('survive nonsense', () => {
    const { handler } = smallTree();
    const bytes = fc.uint8Array({ maxLength: 200 });
    fc.assert(
      fc.property(fc.nat(60), fc.nat(9), bytes, (operation, inode, body) => {
        const answer = handler.answer(request(operation, inode, Buffer.from(body)));
        if (answer === undefined) return;
        expect(answer.readUInt32LE(0)).toBe(answer.length);
        expect(-answer.readInt32LE(4)).toBeGreaterThanOrEqual(0);
      }),
      { seed: 7, numRuns: 5000 },
    );
    fc.assert(
      fc.property(bytes, (body) => {
        handler.answer(Buffer.from(body));
      }),
      { seed: 7, numRuns: 1000 },
    );
  });
});
