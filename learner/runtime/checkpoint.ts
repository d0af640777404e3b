/**
 * A trained model as bytes: a JSON header that explains itself, then the parameters as raw numbers.
 *
 * | Bytes        | Content                                                          |
 * | ------------ | ---------------------------------------------------------------- |
 * | 0 … 7        | magic, ASCII `WATTWIN` and a zero byte                            |
 * | 8 … 11       | format version, uint32                                           |
 * | 12 … 15      | length H of the header, bytes, uint32                            |
 * | 16 … 19      | CRC-32 of everything after byte 19, uint32                       |
 * | 20 … 19 + H  | header, UTF-8 JSON, filled with spaces to a multiple of four     |
 * | 20 + H …     | float32 parameters one after another, in the order of the header |
 *
 * All numbers are little-endian. Nothing here touches files.
 */
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { assert, InputError, inputError } from '../../sim/index.ts';
import { type Parameter, parameterCount } from './parameters.ts';
import { sizeOf } from './shapes.ts';

/** Raised whenever older readers would misread the bytes. */
export const checkpointVersion = 1;

const magic = Uint8Array.of(0x57, 0x41, 0x54, 0x54, 0x57, 0x49, 0x4e, 0);
const prefixSize = 20;

const featureSchema = z.strictObject({
  name: z.string().min(1),
  /** Unit of the raw value, e.g. `W`; `1` for a pure number. */
  unit: z.string().min(1),
  /** Mean over the training set, in the unit. */
  mean: z.number(),
  /** Standard deviation over the training set, in the unit; the divisor, so above 0. */
  deviation: z.number().positive(),
});

const headerSchema = z.strictObject({
  model: z.record(z.string(), z.json()),
  features: z.record(z.string(), z.array(featureSchema)),
  training: z.record(z.string(), z.json()),
  parameters: z.array(
    z.strictObject({ name: z.string().min(1), shape: z.array(z.int().positive()) }),
  ),
});

/** One column of the model's input and how it was standardized: (raw − mean) / deviation. */
export type FeatureColumn = z.infer<typeof featureSchema>;

/** A value that JSON can write. */
export type JsonValue = z.infer<ReturnType<typeof z.json>>;

/** Everything needed to use a trained model, and where it came from. */
export interface Checkpoint {
  /** The model's configuration, as its builder takes it. */
  readonly model: Readonly<Record<string, JsonValue>>;
  /** Columns of each feature table, in order, e.g. `{ hosts: […], vms: […] }`. */
  readonly features: Readonly<Record<string, readonly FeatureColumn[]>>;
  /** Summary of the training run: steps, losses, seed, runtime. */
  readonly training: Readonly<Record<string, JsonValue>>;
  readonly parameters: readonly Parameter[];
}

/** The bytes of a checkpoint; equal checkpoints give equal bytes. */
export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array {
  const { model, features, training, parameters } = checkpoint;
  const shapes = parameters.map(({ name, shape }) => ({ name, shape }));
  const json = JSON.stringify({ model, features, training, parameters: shapes });
  const text = new TextEncoder().encode(json);
  const headerSize = Math.ceil(text.length / 4) * 4;
  const bytes = new Uint8Array(prefixSize + headerSize + parameterCount(parameters) * 4);
  bytes.fill(0x20, prefixSize + text.length, prefixSize + headerSize);
  bytes.set(magic);
  bytes.set(text, prefixSize);
  const view = new DataView(bytes.buffer);
  let offset = prefixSize + headerSize;
  for (const { name, shape, data } of parameters) {
    assert(data.length === sizeOf(shape), () => `parameter ${name}: wrong data length`);
    for (let index = 0; index < data.length; index++, offset += 4) {
      view.setFloat32(offset, data[index]!, true);
    }
  }
  view.setUint32(8, checkpointVersion, true);
  view.setUint32(12, headerSize, true);
  view.setUint32(16, crc32(bytes.subarray(prefixSize)), true);
  return bytes;
}

/**
 * Reads a checkpoint.
 *
 * @param path Where the bytes came from, for messages.
 * @throws InputError when they are no checkpoint, of another version, cut off or damaged.
 */
export function decodeCheckpoint(bytes: Uint8Array, path: string): Checkpoint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerSize = checkPrefix(bytes, view, path);
  const header = readHeader(bytes.subarray(prefixSize, prefixSize + headerSize), path);
  const count = parameterCount(header.parameters);
  const size = prefixSize + headerSize + count * 4;
  if (bytes.length !== size) {
    throw inputError(path, `${size} bytes (${count} parameters)`, `${bytes.length} bytes`);
  }
  let offset = prefixSize + headerSize;
  const parameters = header.parameters.map(({ name, shape }): Parameter => {
    const data = new Float32Array(sizeOf(shape));
    for (let index = 0; index < data.length; index++, offset += 4) {
      data[index] = view.getFloat32(offset, true);
    }
    return { name, shape, data };
  });
  return { ...header, parameters };
}

/** Magic, version, room for the header, checksum; returns the header's length in bytes. */
function checkPrefix(bytes: Uint8Array, view: DataView, path: string): number {
  if (bytes.length < prefixSize || magic.some((byte, index) => bytes[index] !== byte)) {
    const start = new TextDecoder().decode(bytes.subarray(0, magic.length));
    throw inputError(path, 'a Wattwin checkpoint', `${bytes.length} bytes starting "${start}"`);
  }
  const version = view.getUint32(8, true);
  if (version !== checkpointVersion) {
    throw inputError(path, `checkpoint format version ${checkpointVersion}`, `version ${version}`);
  }
  const headerSize = view.getUint32(12, true);
  if (bytes.length < prefixSize + headerSize) {
    throw inputError(
      path,
      `at least ${prefixSize + headerSize} bytes`,
      `${bytes.length} bytes: the file is cut off`,
    );
  }
  const expected = view.getUint32(16, true);
  const found = crc32(bytes.subarray(prefixSize));
  if (found !== expected) {
    const hex = (value: number): string => value.toString(16).padStart(8, '0');
    throw inputError(
      path,
      `checksum ${hex(expected)}`,
      `${hex(found)}: the file is damaged or cut off`,
    );
  }
  return headerSize;
}

function readHeader(text: Uint8Array, path: string): z.infer<typeof headerSchema> {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(text));
  } catch (error) {
    throw inputError(path, 'a JSON header', error instanceof Error ? error.message : 'other text');
  }
  const parsed = headerSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new InputError(
    parsed.error.issues.map((issue) => ({
      path: `${path}: header.${issue.path.join('.')}`,
      expected: 'a header of this format version',
      got: issue.message,
    })),
  );
}
