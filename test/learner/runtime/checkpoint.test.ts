import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  type Checkpoint,
  checkpointVersion,
  decodeCheckpoint,
  encodeCheckpoint,
} from '../../../learner/runtime/index.ts';
import { InputError } from '../../../sim/index.ts';

const checkpoint: Checkpoint = {
  model: { kind: 'pointer', width: 8, heads: [1, 2] },
  features: {
    hosts: [
      { name: 'power', unit: 'W', mean: 120.5, deviation: 30 },
      { name: 'utilization', unit: '1', mean: 0.4, deviation: 0.2 },
    ],
    vms: [],
  },
  training: { steps: 100, loss: 0.25, note: 'größer als null' },
  parameters: [
    { name: 'kernel', shape: [2, 2], data: Float32Array.of(1, -0, 3.4e38, 1e-45) },
    { name: 'scale', shape: [], data: Float32Array.of(0.1) },
  ],
};

describe('a checkpoint', () => {
  it('comes back as it went, to the bit', () => {
    const bytes = encodeCheckpoint(checkpoint);
    const back = decodeCheckpoint(bytes, 'a.checkpoint');
    expect(back).toEqual(checkpoint);
    expect(encodeCheckpoint(back)).toEqual(bytes);
    // Also out of the middle of a larger buffer, at an odd offset.
    const larger = new Uint8Array(bytes.length + 9);
    larger.set(bytes, 3);
    expect(decodeCheckpoint(larger.subarray(3, 3 + bytes.length), 'b')).toEqual(checkpoint);
  });

  it('keeps its layout: version, header length and data at their offsets', () => {
    const bytes = encodeCheckpoint(checkpoint);
    const view = new DataView(bytes.buffer);
    expect(new TextDecoder().decode(bytes.subarray(0, 7))).toBe('WATTWIN');
    expect(view.getUint32(8, true)).toBe(checkpointVersion);
    const data = 20 + view.getUint32(12, true);
    expect(data % 4).toBe(0);
    expect(bytes.length).toBe(data + 5 * 4);
    expect(view.getFloat32(data, true)).toBe(1);
  });

  it('says which file is no checkpoint', () => {
    expect(messageOf(new TextEncoder().encode('time,cpu\n0,0.5,0.25,0.75\n'))).toMatch(
      /^x: expected a Wattwin checkpoint, got 25 bytes starting "time,cpu"$/,
    );
    expect(messageOf(new Uint8Array(0))).toMatch(/expected a Wattwin checkpoint, got 0 bytes/);
  });

  it('names both versions when they differ', () => {
    const bytes = encodeCheckpoint(checkpoint);
    new DataView(bytes.buffer).setUint32(8, 7, true);
    expect(messageOf(bytes)).toBe('x: expected checkpoint format version 1, got version 7');
  });

  it('is refused wherever it is cut off', () => {
    const bytes = encodeCheckpoint(checkpoint);
    for (let length = 0; length < bytes.length; length++) {
      expect(messageOf(bytes.subarray(0, length))).toMatch(/^x: expected /);
    }
    expect(messageOf(bytes.subarray(0, 30))).toMatch(/got 30 bytes: the file is cut off/);
  });

  it('is refused after any byte has changed', () => {
    const bytes = encodeCheckpoint(checkpoint);
    for (let index = 0; index < bytes.length; index++) {
      const damaged = bytes.slice();
      damaged[index]! ^= 0x10;
      expect(messageOf(damaged)).toMatch(/^x: expected /);
    }
  });

  it('is refused with trailing bytes or a header that does not fit, though the sum is right', () => {
    const longer = new Uint8Array([...encodeCheckpoint(checkpoint), 0, 0, 0, 0]);
    expect(messageOf(resealed(longer))).toMatch(/bytes \(5 parameters\), got/);
    const text = new TextDecoder('latin1').decode(encodeCheckpoint(checkpoint));
    const renamed = (from: string, to: string): Uint8Array =>
      resealed(Uint8Array.from(text.replace(from, to), (letter) => letter.charCodeAt(0)));
    expect(messageOf(renamed('"deviation":30', '"deviation":-3'))).toMatch(
      /^x: header.features.hosts.0.deviation: expected /,
    );
    expect(messageOf(renamed('"training"', '"drainage"'))).toMatch(/^x: header.training: /);
    expect(messageOf(renamed('{"model"', '["model"'))).toMatch(/^x: expected a JSON header/);
  });
});

/** The same bytes with the checksum made right again. */
function resealed(bytes: Uint8Array): Uint8Array {
  new DataView(bytes.buffer).setUint32(16, crc32(bytes.subarray(20)), true);
  return bytes;
}

function messageOf(bytes: Uint8Array): string {
  try {
    decodeCheckpoint(bytes, 'x');
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    return (error as InputError).message;
  }
  throw new Error('the bytes were accepted');
}
