/**
 * A workload as one binary file: fast to read, and refused when it is not what was written.
 *
 * Layout, all numbers little-endian:
 *
 *   offset  bytes
 *   0       8      magic `WATTCOLS`
 *   8       4      format version, uint32
 *   12      4      length of the header, uint32
 *   16      32     SHA-256 of the header
 *   48             header: JSON with name, grid, VM names, report, and each column's SHA-256
 *   …              the columns in the order of `columnNames`, each at a multiple of 8 bytes
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { z } from 'zod';
import {
  inputError,
  sharedFloat64,
  sharedInt32,
  sharedUint16,
  type Workload,
} from '../sim/index.ts';
import { systemCode } from './files.ts';
import { type Trace, traceFormats } from './report.ts';

const magic = 'WATTCOLS';
const version = 1;
const preludeBytes = 48;
const headerBytesMax = 1 << 28;

const columnNames = [
  'vcpus',
  'vcpuMips',
  'memoryBytes',
  'arrivalMs',
  'departureMs',
  'mipsPerUnit',
  'demandUnits',
] as const;
type ColumnName = (typeof columnNames)[number];

const count = z.int().min(0);
const headerSchema = z.strictObject({
  name: z.string(),
  intervalMs: z.number().positive(),
  steps: count,
  vmNames: z.array(z.string()),
  report: z.strictObject({
    format: z.enum(traceFormats),
    files: count,
    rows: count,
    repairs: z.record(z.string(), count),
  }),
  sha256: z.record(z.enum(columnNames), z.string()),
});
type Header = z.infer<typeof headerSchema>;

/** Whether a file's first bytes are those of this format. */
export function isColumnsMagic(bytes: Uint8Array): boolean {
  return new TextDecoder('latin1').decode(bytes.subarray(0, magic.length)) === magic;
}

/**
 * Writes a trace under a temporary name beside `path` and renames it, so that `path` is always
 * either absent, the old file or the whole new one.
 */
export function writeColumns(path: string, { workload, report }: Trace): void {
  const { name, intervalMs, steps, vmNames } = workload;
  const sha256 = Object.fromEntries(
    columnNames.map((column) => [column, hashOf(bytesOf(workload[column]))]),
  );
  const header = new TextEncoder().encode(
    JSON.stringify({ name, intervalMs, steps, vmNames, report, sha256 }),
  );
  const layout = layOut(header.length, vmNames.length, steps);
  const file = new Uint8Array(layout.totalBytes);
  const view = new DataView(file.buffer);
  file.set(new TextEncoder().encode(magic));
  view.setUint32(8, version, true);
  view.setUint32(12, header.length, true);
  file.set(Buffer.from(hashOf(header), 'hex'), 16);
  file.set(header, preludeBytes);
  for (const column of columnNames) {
    file.set(bytesOf(workload[column]), layout.offsets[column]);
  }
  const partial = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(partial, file, { flush: true });
    renameSync(partial, path);
  } finally {
    rmSync(partial, { force: true });
  }
}

/**
 * Reads a trace written by `writeColumns`, straight into shared memory.
 *
 * @throws InputError when the file cannot be read, has another magic or version, is shorter or
 *   longer than its header says, or a checksum differs.
 */
export function readColumns(path: string): Trace {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    throw inputError(path, 'a readable file', systemCode(error));
  }
  try {
    return readOpenFile(path, file);
  } finally {
    closeSync(file);
  }
}

function readOpenFile(path: string, file: number): Trace {
  const size = fstatSync(file).size;
  const prelude = readExactly(file, new Uint8Array(preludeBytes), 0, path);
  if (!isColumnsMagic(prelude)) {
    const got = new TextDecoder('latin1').decode(prelude.subarray(0, magic.length));
    throw inputError(path, `a file that starts with ${magic}`, JSON.stringify(got));
  }
  const view = new DataView(prelude.buffer);
  const found = view.getUint32(8, true);
  if (found !== version) throw inputError(path, `format version ${version}`, `version ${found}`);
  const headerBytes = view.getUint32(12, true);
  if (headerBytes > Math.min(headerBytesMax, size)) {
    throw inputError(path, `a header within the file's ${size} bytes`, `${headerBytes} bytes`);
  }
  const header = parseHeader(
    path,
    readExactly(file, new Uint8Array(headerBytes), preludeBytes, path),
    Buffer.from(prelude.subarray(16, preludeBytes)).toString('hex'),
  );
  const vms = header.vmNames.length;
  const layout = layOut(headerBytes, vms, header.steps);
  if (layout.totalBytes !== size) {
    throw inputError(path, `${layout.totalBytes} bytes`, `${size} bytes`);
  }
  const column = <T extends ArrayBufferView>(name: ColumnName, values: T): T => {
    const bytes = readExactly(file, bytesOf(values), layout.offsets[name], path);
    const expected = header.sha256[name];
    const got = hashOf(bytes);
    if (got !== expected) throw inputError(path, `column ${name} with SHA-256 ${expected}`, got);
    return values;
  };
  const workload: Workload = {
    name: header.name,
    intervalMs: header.intervalMs,
    steps: header.steps,
    vmNames: header.vmNames,
    vcpus: column('vcpus', sharedInt32(vms)),
    vcpuMips: column('vcpuMips', sharedFloat64(vms)),
    memoryBytes: column('memoryBytes', sharedFloat64(vms)),
    arrivalMs: column('arrivalMs', sharedFloat64(vms)),
    departureMs: column('departureMs', sharedFloat64(vms)),
    mipsPerUnit: column('mipsPerUnit', sharedFloat64(vms)),
    demandUnits: column('demandUnits', sharedUint16(header.steps * vms)),
  };
  return { workload, report: header.report };
}

function parseHeader(path: string, bytes: Uint8Array, sha256: string): Header {
  const got = hashOf(bytes);
  if (got !== sha256) throw inputError(path, `a header with SHA-256 ${sha256}`, got);
  const parsed = headerSchema.safeParse(JSON.parse(new TextDecoder().decode(bytes)));
  if (parsed.success) return parsed.data;
  throw inputError(path, 'a header of this format', parsed.error.issues[0]?.message ?? '');
}

/** Where the columns lie: each at the next multiple of 8 bytes. */
function layOut(
  headerBytes: number,
  vms: number,
  steps: number,
): { readonly offsets: Readonly<Record<ColumnName, number>>; readonly totalBytes: number } {
  let offset = preludeBytes + headerBytes;
  const offsets = Object.fromEntries(
    columnNames.map((name) => {
      const start = Math.ceil(offset / 8) * 8;
      const cellBytes = name === 'demandUnits' ? 2 * steps : name === 'vcpus' ? 4 : 8;
      offset = start + vms * cellBytes;
      return [name, start];
    }),
  ) as Record<ColumnName, number>;
  return { offsets, totalBytes: offset };
}

function readExactly(file: number, bytes: Uint8Array, offset: number, path: string): Uint8Array {
  let filled = 0;
  while (filled < bytes.length) {
    const read = readSync(file, bytes, filled, bytes.length - filled, offset + filled);
    if (read === 0) {
      const end = offset + filled;
      throw inputError(path, `${offset + bytes.length} bytes or more`, `${end} bytes, cut short`);
    }
    filled += read;
  }
  return bytes;
}

function bytesOf(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
