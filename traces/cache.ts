/**
 * Traces read before, kept as binary columns in a directory of the caller's choice.
 *
 * A cached file's name is a hash of the reader's version, the options and every source file's
 * name, size and time of change; when any of them differs the trace is read anew. Old files stay
 * until the caller deletes the directory.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { InputError, inputError } from '../sim/index.ts';
import { readColumns, writeColumns } from './columns.ts';
import { listDirectory, systemCode } from './files.ts';
import type { Trace } from './report.ts';

/** Raised whenever a reader gives another workload for the same source and options. */
const readerVersion = 1;

/** What a cached trace was made from. */
export interface CacheSource {
  /** A trace file, or a directory of them; what lies in its own directories counts, too. */
  readonly path: string;
  /** Everything else that decides the result; must be plain data. */
  readonly options?: unknown;
}

/**
 * The trace from the cache, or from `read`, whose result is then kept. A damaged cached file is
 * replaced.
 *
 * @param cacheDirectory Created when missing.
 * @throws InputError from `read`, or when the source or the cache directory cannot be used.
 */
export function readCached(cacheDirectory: string, source: CacheSource, read: () => Trace): Trace {
  const path = join(cacheDirectory, cachedName(source));
  if (existsSync(path)) {
    try {
      return readColumns(path);
    } catch (error) {
      // A damaged cache costs a second reading, never an answer.
      if (!(error instanceof InputError)) throw error;
    }
  }
  const trace = read();
  try {
    mkdirSync(cacheDirectory, { recursive: true });
    writeColumns(path, trace);
  } catch (error) {
    throw inputError(cacheDirectory, 'a writable directory', systemCode(error));
  }
  return trace;
}

/** Name of the cached file of a source, e.g. `20110303-1f0c….columns`. */
export function cachedName({ path, options = {} }: CacheSource): string {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([readerVersion, options]));
  for (const name of sourceFiles(path)) {
    const { size, mtimeMs } = statSync(join(path, name));
    hash.update(JSON.stringify([name, size, mtimeMs]));
  }
  return `${basename(path)}-${hash.digest('hex').slice(0, 32)}.columns`;
}

/** Files of a source, relative to it; the empty name is the source itself. */
function sourceFiles(path: string): readonly string[] {
  if (statSync(path, { throwIfNoEntry: false })?.isFile()) return [''];
  const { files, directories } = listDirectory(path);
  const inside = directories.flatMap((folder) =>
    listDirectory(join(path, folder)).files.map((name) => join(folder, name)),
  );
  return [...files, ...inside];
}
