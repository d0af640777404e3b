/**
 * The uncompressed kernel out of a distribution's vmlinuz.
 *
 * A guest that boots vmlinuz decompresses it by itself, slowly where its CPU is emulated. QEMU also boots
 * the ELF file inside (by its PVH entry), so it is cut out once here. Where it lies is in the header of
 * the x86 boot protocol, version 2.08 and later: sectors of set-up code at 0x1f1, the payload's offset
 * behind them at 0x248 and its length at 0x24c; its last 4 bytes are the length of what comes out.
 *
 * @see https://www.kernel.org/doc/html/latest/arch/x86/boot.html
 */
import { TestbedError } from '../testbed-error.ts';

const bootFlagAt = 0x1fe;
const magicAt = 0x202;
const setupSectorsAt = 0x1f1;
const versionAt = 0x206;
const payloadOffsetAt = 0x248;
const payloadLengthAt = 0x24c;
const sectorBytes = 512;
const lz4LegacyMagic = 0x184c2102;

export interface KernelPayload {
  /** In the legacy form of LZ4, as `lz4 -d` reads it. */
  readonly lz4: Buffer;
  readonly unpackedBytes: number;
}

/**
 * The compressed kernel; `undefined` when it is packed by another method than LZ4.
 *
 * @throws TestbedError when the file is no bzImage of version 2.08 or later.
 */
export function kernelPayload(vmlinuz: Buffer): KernelPayload | undefined {
  const isKernel =
    vmlinuz.length > payloadLengthAt + 4 &&
    vmlinuz.readUInt16LE(bootFlagAt) === 0xaa55 &&
    vmlinuz.toString('latin1', magicAt, magicAt + 4) === 'HdrS' &&
    vmlinuz.readUInt16LE(versionAt) >= 0x0208;
  if (!isKernel) throw new TestbedError('ERR_IMAGES', 'the kernel is no bzImage');
  const start =
    ((vmlinuz[setupSectorsAt] || 4) + 1) * sectorBytes + vmlinuz.readUInt32LE(payloadOffsetAt);
  const end = start + vmlinuz.readUInt32LE(payloadLengthAt);
  if (end > vmlinuz.length || end - start < 8) {
    throw new TestbedError('ERR_IMAGES', 'the kernel is cut off');
  }
  if (vmlinuz.readUInt32LE(start) !== lz4LegacyMagic) return undefined;
  return { lz4: vmlinuz.subarray(start, end - 4), unpackedBytes: vmlinuz.readUInt32LE(end - 4) };
}

/** Whether the bytes are an ELF file of the length that the payload promised. */
export function isUnpackedKernel(bytes: Buffer, { unpackedBytes }: KernelPayload): boolean {
  return bytes.length === unpackedBytes && bytes.toString('latin1', 0, 4) === '\x7fELF';
}
