/** One door to all readers: a path whose format is found out, or a description that names it. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { inputError, type Workload } from '../sim/index.ts';
import { type AzureOptions, readAzure } from './azure.ts';
import { type BitbrainsOptions, readBitbrains } from './bitbrains.ts';
import { isBitbrainsHeader } from './bitbrains-file.ts';
import { readCached } from './cache.ts';
import { isColumnsMagic, readColumns } from './columns.ts';
import { listTraceFiles, systemCode } from './files.ts';
import { type PlanetlabOptions, readPlanetlab } from './planetlab.ts';
import type { Trace } from './report.ts';
import { createSynthetic, type SyntheticOptions } from './synthetic.ts';

/** Which workload is wanted. A bare string is the path of a trace of any format. */
export type WorkloadSpec =
  | string
  | ({ readonly type: 'planetlab'; readonly path: string } & PlanetlabOptions)
  | ({ readonly type: 'bitbrains'; readonly path: string } & BitbrainsOptions)
  | ({ readonly type: 'azure'; readonly path: string } & AzureOptions)
  | { readonly type: 'columns'; readonly path: string }
  | ({ readonly type: 'synthetic' } & SyntheticOptions);

/** What lies at a path. */
export type PathFormat = 'planetlab' | 'bitbrains' | 'azure' | 'columns';

/** The workload alone; see `readTrace`. */
export function readWorkload(spec: WorkloadSpec, cacheDirectory?: string): Workload {
  return readTrace(spec, cacheDirectory).workload;
}

/**
 * Reads or generates a workload.
 *
 * @param cacheDirectory Keep directories' traces here as binary columns, and read them from here.
 * @throws InputError when the path is of no known format or the trace cannot be used.
 */
export function readTrace(spec: WorkloadSpec, cacheDirectory?: string): Trace {
  const named: Exclude<WorkloadSpec, string> =
    typeof spec === 'string' ? { type: detectFormat(spec), path: spec } : spec;
  const read = (): Trace => {
    switch (named.type) {
      case 'planetlab':
        return readPlanetlab(named.path, named);
      case 'bitbrains':
        return readBitbrains(named.path, named);
      case 'azure':
        return readAzure(named.path, named);
      case 'columns':
        return readColumns(named.path);
      case 'synthetic':
        return createSynthetic(named);
    }
  };
  if (cacheDirectory === undefined || named.type === 'synthetic' || named.type === 'columns') {
    return read();
  }
  const { path, ...options } = named;
  return readCached(cacheDirectory, { path, options }, read);
}

/**
 * Finds out the format of a path by a look at names and first lines.
 *
 * @throws InputError saying what was found when nothing fits.
 */
export function detectFormat(path: string): PathFormat {
  let isDirectory: boolean;
  try {
    isDirectory = statSync(path).isDirectory();
  } catch (error) {
    throw inputError(path, 'a directory of traces or a cached trace', systemCode(error));
  }
  if (!isDirectory) {
    const start = firstBytes(path);
    if (isColumnsMagic(start)) return 'columns';
    throw inputError(
      path,
      'a cached trace or a directory of traces',
      `a file: ${firstLine(start)}`,
    );
  }
  const names = listTraceFiles(path);
  if (names.includes('flav_map.txt')) return 'azure';
  const csv = names.find((name) => /\.csv$/i.test(name));
  if (csv !== undefined) {
    const line = firstLine(firstBytes(join(path, csv)));
    if (isBitbrainsHeader(line) || /^\s*\d+\s*;/.test(line)) return 'bitbrains';
  }
  const first = names[0] ?? '';
  const line = firstLine(firstBytes(join(path, first)));
  if (/^\d{1,3}$/.test(line)) return 'planetlab';
  throw inputError(
    path,
    'PlanetLab files (a percent per line), Bitbrains CSV files or Azure arrivals (flav_map.txt)',
    `${names.length} files, the first ${first}: ${line}`,
  );
}

/** Up to 512 bytes from the start of a file. */
function firstBytes(path: string): Uint8Array {
  const bytes = new Uint8Array(512);
  try {
    const file = openSync(path, 'r');
    try {
      return bytes.subarray(0, readSync(file, bytes));
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw inputError(path, 'a readable file', systemCode(error));
  }
}

function firstLine(bytes: Uint8Array): string {
  const line = new TextDecoder().decode(bytes).split('\n', 1)[0] ?? '';
  return line === '' ? 'an empty line' : line.replace(/\r$/, '').slice(0, 60);
}
