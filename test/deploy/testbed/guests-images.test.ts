/** What guests are made of: the kernel's payload, packages, libraries, the first program. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readLdd } from '../../../deploy/testbed/guests/images.ts';
import { guestInit } from '../../../deploy/testbed/guests/init-script.ts';
import { isUnpackedKernel, kernelPayload } from '../../../deploy/testbed/guests/kernel.ts';
import { downloadPackages, readUris } from '../../../deploy/testbed/guests/packages.ts';
import type { Programs } from '../../../deploy/testbed/programs.ts';
import { directoryWith } from '../../traces/temporary-directory.ts';

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

describe('a download of packages', () => {
  const content = { a: 'package a', b: 'package b' };
  const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

  /** `apt-get` as it is: it names no URI of a file that is in its directory already. */
  function apt(
    served: Readonly<Record<string, string>> = content,
  ): Programs & { downloads: string[][] } {
    const downloads: string[][] = [];
    return {
      downloads,
      run: async (argv) => {
        const directory = argv[1]!.slice('--chdir='.length);
        const names = argv.slice(argv.indexOf('download') + 2).filter((name) => name in content);
        const fileOf = (name: string): string => join(directory, `${name}_1_amd64.deb`);
        if (!argv.includes('--print-uris')) {
          downloads.push(names);
          for (const name of names) writeFileSync(fileOf(name), served[name] ?? '');
          return '';
        }
        return names
          .filter((name) => !existsSync(fileOf(name)))
          .map((name) => {
            const sum = sha256(content[name as 'a']);
            return `'http://x/${name}.deb' ${name}_1_amd64.deb 9 SHA256:${sum}\n`;
          })
          .join('');
      },
    };
  }

  it('fetches what is not there, and nothing twice', async () => {
    const directory = directoryWith();
    const programs = apt();
    const first = await downloadPackages(['a', 'b'], directory, programs);
    expect(first).toEqual(
      (['a', 'b'] as const).map((name) => ({
        name,
        path: join(directory, `${name}_1_amd64.deb`),
        sha256: sha256(content[name]),
      })),
    );
    expect(await downloadPackages(['a', 'b'], directory, programs)).toEqual(first);
    expect(programs.downloads).toEqual([['a', 'b']]);
    expect(readdirSync(directory)).toHaveLength(2);
  });

  it('takes up where it was interrupted: a file that was cut off is fetched again', async () => {
    const directory = directoryWith({ 'a_1_amd64.deb': 'pack', 'b_1_amd64.deb': content.b });
    const programs = apt();
    await downloadPackages(['a', 'b'], directory, programs);
    expect(programs.downloads).toEqual([['a']]);
  });

  it('refuses what is not what was promised', async () => {
    const download = downloadPackages(
      ['a', 'b'],
      directoryWith(),
      apt({ a: 'evil', b: content.b }),
    );
    await expect(download).rejects.toThrow('the download of a is not what apt promised');
  });

  it('names packages that are not there', async () => {
    await expect(downloadPackages(['a', 'c'], directoryWith(), apt())).rejects.toThrow(
      'apt has no c',
    );
  });
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
