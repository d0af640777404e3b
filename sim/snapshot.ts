/**
 * A snapshot is the state's bytes behind a small header: magic, version, JSON header length, JSON
 * header, state. Restoring and going on is the same, byte for byte, as never having stopped.
 */

import { inputError } from './errors.ts';
import type { GovernorRule } from './governors/index.ts';
import type { ClusterModel } from './model.ts';
import { modelChecksum } from './model-checksum.ts';
import { checksum } from './numbers/checksum.ts';
import { ClusterState } from './state.ts';
import { Twin } from './twin.ts';

const magic = 'WATTWIN\n';
const version = 2;
const prefixBytes = magic.length + 8;

interface Header {
  readonly nowMs: number;
  readonly stateBytes: number;
  readonly model: string;
  readonly checksum: string;
}

/** The twin's state as bytes; `decodeSnapshot` goes on from them. */
export function encodeSnapshot(twin: Twin): Uint8Array {
  const state = new Uint8Array(twin.state.buffer);
  const header: Header = {
    nowMs: twin.nowMs,
    stateBytes: state.length,
    model: modelChecksum(twin.model),
    checksum: checksum([state]),
  };
  const text = JSON.stringify(header);
  // Blanks after the header put the state on a multiple of 8 bytes, where it is copied faster.
  const blanks = -(prefixBytes + text.length) & 7;
  const json = new TextEncoder().encode(text + ' '.repeat(blanks));
  const bytes = new Uint8Array(prefixBytes + json.length + state.length);
  bytes.set(new TextEncoder().encode(magic));
  const view = new DataView(bytes.buffer);
  view.setUint32(magic.length, version, true);
  view.setUint32(magic.length + 4, json.length, true);
  bytes.set(json, prefixBytes);
  bytes.set(state, prefixBytes + json.length);
  return bytes;
}

/**
 * @param path Name of the file, for messages.
 * @throws InputError when the bytes are no snapshot, are damaged, or belong to another model.
 */
export function decodeSnapshot(
  bytes: Uint8Array,
  model: ClusterModel,
  path: string,
  governors?: readonly GovernorRule[],
): Twin {
  const text = new TextDecoder();
  if (bytes.length < prefixBytes || text.decode(bytes.subarray(0, magic.length)) !== magic) {
    throw inputError(path, 'a Wattwin snapshot', `${bytes.length} bytes of something else`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const found = view.getUint32(magic.length, true);
  if (found !== version) throw inputError(path, `snapshot version ${version}`, `version ${found}`);
  const jsonEnd = prefixBytes + view.getUint32(magic.length + 4, true);
  if (jsonEnd > bytes.length) {
    throw inputError(path, `at least ${jsonEnd} bytes`, `${bytes.length} bytes`);
  }
  const header = JSON.parse(text.decode(bytes.subarray(prefixBytes, jsonEnd))) as Header;
  if (bytes.length !== jsonEnd + header.stateBytes) {
    throw inputError(path, `${jsonEnd + header.stateBytes} bytes`, `${bytes.length} bytes`);
  }
  const expectedModel = modelChecksum(model);
  if (header.model !== expectedModel || header.stateBytes !== ClusterState.bytes(model)) {
    throw inputError(path, `a snapshot of model ${expectedModel}`, `one of model ${header.model}`);
  }
  const buffer = new SharedArrayBuffer(header.stateBytes);
  const state = new Uint8Array(buffer);
  state.set(bytes.subarray(jsonEnd));
  const sum = checksum([state]);
  if (sum !== header.checksum) {
    throw inputError(path, `state with checksum ${header.checksum}`, sum);
  }
  return new Twin(model, new ClusterState(model, buffer), governors);
}

/** Tells two models apart: a hash over all their columns. Demonstrations keep it. */
export function modelFingerprint(model: ClusterModel): string {
  const arrays: Uint8Array[] = [];
  const collect = (value: unknown): void => {
    if (ArrayBuffer.isView(value)) {
      arrays.push(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
    } else if (typeof value === 'object' && value !== null) {
      for (const part of Object.values(value)) collect(part);
    } else {
      arrays.push(new TextEncoder().encode(String(value)));
    }
  };
  collect(model);
  return fingerprint(arrays);
}

/** 64 bits of FNV-1a as two 32-bit lanes with different starts, in hexadecimal. */
export function fingerprint(parts: readonly Uint8Array[]): string {
  let a = 0x811c9dc5;
  let b = 0x01000193;
  for (const part of parts) {
    for (let index = 0; index < part.length; index++) {
      const byte = part[index]!;
      a = Math.imul(a ^ byte, 0x01000193);
      b = Math.imul(b ^ (byte + 0x9e), 0x01000193);
    }
    a = Math.imul(a ^ part.length, 0x01000193);
  }
  const hex = (value: number): string => (value >>> 0).toString(16).padStart(8, '0');
  return hex(a) + hex(b);
}
