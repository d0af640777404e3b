/** One door to all readers: a path whose format is found out, or a description that names it. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { inputError, type Workload } from '../sim/index.ts';
import { type AlibabaOptions, alibabaFiles, isAlibabaLine, readAlibaba } from './alibaba.ts';
import { type AzureOptions, readAzure } from './azure.ts';
import { type AzurePackingOptions, azurePackingFiles, readAzurePacking } from './azure-packing.ts';
import { type BitbrainsOptions, readBitbrains } from './bitbrains.ts';
import { isBitbrainsHeader } from './bitbrains-file.ts';
import { readCached } from './cache.ts';
import { isColumnsMagic, readColumns } from './columns.ts';
import { type CsvOptions, hasMapping, mappingOf, readCsv } from './csv.ts';
import { listTraceFiles, systemCode } from './files.ts';
import { type GoogleOptions, googleFiles, readGoogle } from './google.ts';
import { isGoogleLine } from './google-rows.ts';
import { isOpenDc, type OpenDcOptions, readOpenDcWorkload } from './opendc-workload.ts';
import { type PlanetlabOptions, readPlanetlab } from './planetlab.ts';
import type { Trace } from './report.ts';
import { createSynthetic, type SyntheticOptions } from './synthetic.ts';
import { firstLineOf } from './table-files.ts';

/** Which workload is wanted. A bare string is the path of a trace of any format. */
export type WorkloadSpec =
  | string
  | ({ readonly type: 'planetlab'; readonly path: string } & PlanetlabOptions)
  | ({ readonly type: 'bitbrains'; readonly path: string } & BitbrainsOptions)
  | ({ readonly type: 'azure'; readonly path: string } & AzureOptions)
  | ({ readonly type: 'azure-packing'; readonly path: string } & AzurePackingOptions)
  | ({ readonly type: 'google'; readonly path: string } & GoogleOptions)
  | ({ readonly type: 'alibaba'; readonly path: string } & AlibabaOptions)
  | ({ readonly type: 'opendc'; readonly path: string } & OpenDcOptions)
  | ({ readonly type: 'csv'; readonly path: string } & CsvOptions)
  | { readonly type: 'columns'; readonly path: string }
  | ({ readonly type: 'synthetic' } & SyntheticOptions);

/** What lies at a path. */
export type PathFormat =
  | 'planetlab'
  | 'bitbrains'
  | 'azure'
  | 'azure-packing'
  | 'google'
  | 'alibaba'
  | 'opendc'
  | 'csv'
  | 'columns';

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
      case 'azure-packing':
        return readAzurePacking(named.path, named);
      case 'google':
        return readGoogle(named.path, named);
      case 'alibaba':
        return readAlibaba(named.path, named);
      case 'opendc':
        return readOpenDcWorkload(named.path, named);
      case 'csv':
        return readCsv(named.path, named);
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
  // What a mapping says decides the result, not where it lies.
  const mapping = named.type === 'csv' ? { mapping: mappingOf(path, named.mapping) } : {};
  return readCached(cacheDirectory, { path, options: { ...options, ...mapping } }, read);
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
  if (!isDirectory) return detectFile(path);
  if (googleFiles(path).length > 0) return 'google';
  const names = listTraceFiles(path);
  if (names.includes('flav_map.txt')) return 'azure';
  if (hasMapping(path)) return 'csv';
  if (isOpenDc(path)) return 'opendc';
  if (alibabaFiles(path).length > 0) return 'alibaba';
  const csv = names.find((name) => /\.csv$/i.test(name));
  if (csv !== undefined) {
    const line = firstLine(firstBytes(join(path, csv)));
    if (isBitbrainsHeader(line) || /^\s*\d+\s*;/.test(line)) return 'bitbrains';
  }
  if (csv !== undefined && azurePackingFiles(path) !== undefined) return 'azure-packing';
  const first = names[0] ?? '';
  const line = firstLine(firstBytes(join(path, first)));
  if (/^\d{1,3}$/.test(line)) return 'planetlab';
  throw inputError(
    path,
    'PlanetLab files (a percent per line), Bitbrains CSV files, Azure arrivals (flav_map.txt) or ' +
      'VM requests, Google or Alibaba usage, OpenDC Parquet files, or CSV with a mapping.yaml',
    `${names.length} files, the first ${first}: ${line}`,
  );
}

/** @throws InputError saying how the file begins when it is of no known format. */
function detectFile(path: string): PathFormat {
  const start = firstBytes(path);
  if (isColumnsMagic(start)) return 'columns';
  if (/^(?:task|instance)_usage.*\.parquet$/i.test(basename(path))) return 'google';
  // A gzip file shows its first line only when it is unpacked.
  const line = start[0] === 0x1f && start[1] === 0x8b ? firstLineOf(path) : firstLine(start, 512);
  if (isGoogleLine(line)) return 'google';
  if (isAlibabaLine(line)) return 'alibaba';
  if (/\.(?:csv|tsv|txt)(?:\.gz)?$/i.test(path) && hasMapping(dirname(path))) return 'csv';
  throw inputError(
    path,
    'a cached trace, usage of Google or Alibaba, or a directory of traces',
    `a file: ${line.slice(0, 60)}`,
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

function firstLine(bytes: Uint8Array, length = 60): string {
  const line = new TextDecoder().decode(bytes).split('\n', 1)[0] ?? '';
  return line === '' ? 'an empty line' : line.replace(/\r$/, '').slice(0, length);
}
