/** What guests are made of: the kernel's payload, packages, libraries, the first program. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { readLdd } from '../../../deploy/testbed/guests/images.ts';
import { guestInit } from '../../../deploy/testbed/guests/init-script.ts';
import { isUnpackedKernel, kernelPayload } from '../../../deploy/testbed/guests/kernel.ts';
import { readUris } from '../../../deploy/testbed/guests/packages.ts';

/** A bzImage of 2 sectors of set-up code, an offset of 32 bytes, and a payload. */
function vmlinuz(payload: Buffer, header: { version?: number; length?: number } = {}): Buffer {
  const image = Buffer.alloc(3 * 512 + 32 + payload.length + 7, 0xee);
  image.writeUInt8(2, 0x1f1);
  image.writeUInt16LE(0xaa55, 0x1fe);
  image.write('HdrS', 0x202, 'latin1');
  image.writeUInt16LE(header.version ?? 0x020f, 0x206);
  image.writeUInt32LE(32, 0x248);
  image.writeUInt32LE(header.length ?? payload.length, 0x24c);
  payload.copy(image, 3 * 512 + 32);
  return image;
}

const sizeOf = (bytes: number): Buffer => {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(bytes);
  return size;
};

describe('a kernel', () => {
  const lz4 = Buffer.from([0x02, 0x21, 0x4c, 0x18, 1, 2, 3, 4, 5]);

  it('is cut out where the header says, without the length behind it', () => {
    const payload = kernelPayload(vmlinuz(Buffer.concat([lz4, sizeOf(1000)])));
    expect(payload).toEqual({ lz4, unpackedBytes: 1000 });
  });

  it('of another packing is left as it is', () => {
    const xz = Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0, 0]);
    expect(kernelPayload(vmlinuz(Buffer.concat([xz, sizeOf(9)])))).toBeUndefined();
  });

  it.each([
    ['an empty file', Buffer.alloc(0)],
    ['a text', Buffer.from('#!/bin/sh\n'.repeat(100))],
    ['a boot protocol without payload', vmlinuz(lz4, { version: 0x0207 })],
  ])('is not %s', (_, bytes) => {
    expect(() => kernelPayload(bytes)).toThrow('no bzImage');
  });

  it('that was cut off is refused', () => {
    expect(() => kernelPayload(vmlinuz(lz4, { length: 1_000_000 }))).toThrow('cut off');
  });

  it('is unpacked when it is ELF and as long as promised', () => {
    const elf = Buffer.from('\x7fELF rest', 'latin1');
    const payload = { lz4, unpackedBytes: elf.length };
    expect(isUnpackedKernel(elf, payload)).toBe(true);
    expect(isUnpackedKernel(elf.subarray(1), payload)).toBe(false);
    expect(isUnpackedKernel(elf, { lz4, unpackedBytes: elf.length + 1 })).toBe(false);
  });
});

it("packages are those of apt's lines, by name, file and checksum", () => {
  const sums = ['a', 'b'].map((digit) => digit.repeat(64));
  const text = [
    'Reading package lists...',
    `'http://deb.debian.org/p/redis-server_7.0.15-1%7edeb12u10_amd64.deb' redis-server_5%3a7.0.15_amd64.deb 73908 SHA256:${sums[0]}`,
    `'http://deb.debian.org/p/l.deb' libjemalloc2_5.3.0-1_amd64.deb 275000 SHA256:${sums[1]}`,
    `'http://deb.debian.org/p/x.deb' ../escape_1_amd64.deb 1 SHA256:${sums[1]}`,
    "'http://deb.debian.org/p/md5.deb' old_1_amd64.deb 1 MD5Sum:0123",
    '',
  ].join('\n');
  expect(readUris(text)).toEqual([
    { name: 'redis-server', fileName: 'redis-server_5%3a7.0.15_amd64.deb', sha256: sums[0] },
    { name: 'libjemalloc2', fileName: 'libjemalloc2_5.3.0-1_amd64.deb', sha256: sums[1] },
  ]);
});

describe('libraries', () => {
  it('go to /lib, the loader to where programs look for it', () => {
    const text = [
      '\tlinux-vdso.so.1 (0x00007ffc0a5f2000)',
      '\tlibjemalloc.so.2 => /cache/redis/usr/lib/libjemalloc.so.2 (0x00007f1)',
      '\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f2)',
      '\t/lib64/ld-linux-x86-64.so.2 (0x00007f3)',
    ].join('\n');
    expect(readLdd(text)).toEqual([
      { to: 'lib/libjemalloc.so.2', from: '/cache/redis/usr/lib/libjemalloc.so.2' },
      { to: 'lib/libc.so.6', from: '/lib/x86_64-linux-gnu/libc.so.6' },
      { to: 'lib64/ld-linux-x86-64.so.2', from: '/lib64/ld-linux-x86-64.so.2' },
    ]);
  });

  it('that are missing are all named', () => {
    const text =
      '\tliba.so.1 => not found\n\tlibc.so.6 => /lib/libc.so.6 (0x1)\n\tlibb.so => not found';
    expect(() => readLdd(text)).toThrow('liba.so.1, libb.so');
  });
});

it('the first program of a guest is a shell script without a mistake in its syntax', () => {
  const { status, stderr } = spawnSync('sh', ['-n'], { input: guestInit, encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});
