/** Files and directories as readers see them: sorted names, bytes, and errors a person can mend. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inputError } from '../sim/index.ts';

/** The system error's code, e.g. `ENOENT`, or its text when it has none. */
export function systemCode(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error ? String(error.code) : error.message;
}

/** What lies in a directory; names that start with a dot are left out. */
export interface Listing {
  /** Plain files, ordered by UTF-16 code unit. */
  readonly files: readonly string[];
  /** Subdirectories, ordered by UTF-16 code unit. */
  readonly directories: readonly string[];
}

/** @throws InputError when the directory cannot be read. */
export function listDirectory(directory: string): Listing {
  try {
    const entries = readdirSync(directory, { withFileTypes: true });
    const seen = entries.filter((entry) => !entry.name.startsWith('.'));
    const names = (folders: boolean): string[] =>
      // The default order of `sort` is by UTF-16 code unit, the same on every machine.
      seen
        .filter((entry) => entry.isDirectory() === folders)
        .map((entry) => entry.name)
        .sort();
    return { files: names(false), directories: names(true) };
  } catch (error) {
    throw inputError(directory, 'a readable directory', systemCode(error));
  }
}

/** @throws InputError when the directory cannot be read or holds no file. */
export function listTraceFiles(directory: string): readonly string[] {
  const { files, directories } = listDirectory(directory);
  if (files.length > 0) return files;
  const inside = directories.slice(0, 5).join(', ');
  throw inputError(
    directory,
    'a directory of trace files',
    directories.length === 0 ? 'an empty directory' : `only subdirectories: ${inside}`,
  );
}

/** @throws InputError when the file cannot be read. */
export function readBytes(directory: string, name: string): Uint8Array {
  const path = join(directory, name);
  try {
    return readFileSync(path);
  } catch (error) {
    throw inputError(path, 'a readable file', systemCode(error));
  }
}

/** @throws InputError when the file cannot be read or is no text (holds a NUL byte). */
export function readText(directory: string, name: string): string {
  const bytes = readBytes(directory, name);
  const nul = bytes.indexOf(0);
  if (nul >= 0) {
    throw inputError(join(directory, name), 'a text file', `a NUL byte at offset ${nul}`);
  }
  return new TextDecoder().decode(bytes);
}
