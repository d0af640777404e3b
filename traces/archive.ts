/** Unpacks an archive into a directory that appears whole or not at all. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { InputError, inputError } from '../sim/index.ts';
import { systemCode } from './files.ts';
import { readTarGz } from './tar.ts';
import { readZip } from './zip.ts';

export type ArchiveKind = 'zip' | 'tar.gz';

/** A regular file in an archive; its bytes are unpacked when asked for. */
export interface ArchiveEntry {
  /** Path within the archive, with slashes. */
  readonly path: string;
  /** @throws InputError when the bytes are damaged. */
  readonly read: () => Uint8Array;
}

/**
 * Unpacks all regular files. Folders that hold everything are left away, and so are entries whose
 * name starts with a dot and macOS resource forks.
 *
 * @param directory Must not exist; filled under a temporary name, then renamed.
 * @returns Number of files.
 * @throws InputError when the archive is damaged, empty, or has a path that leaves the directory.
 */
export function unpack(archive: string, kind: ArchiveKind, directory: string): number {
  const bytes = readFileSync(archive);
  const entries = (kind === 'zip' ? readZip(bytes, archive) : readTarGz(bytes, archive)).filter(
    ({ path }) => !/(^|\/)(\.[^./]|__MACOSX\/)/.test(path),
  );
  if (entries.length === 0) throw inputError(archive, 'an archive with files', 'no file');
  for (const { path } of entries) {
    const isInside = /^[^/\\\0]/.test(path) && !path.includes('\\') && !path.includes('\0');
    if (isInside && path.split('/').every((part) => part !== '..' && part !== '')) continue;
    throw inputError(archive, 'paths within the archive', path);
  }
  const shared = sharedFolder(entries.map(({ path }) => path));
  const partial = `${directory}.${process.pid}.tmp`;
  rmSync(partial, { recursive: true, force: true });
  try {
    for (const { path, read } of entries) {
      const target = join(partial, path.slice(shared.length));
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, read());
    }
    renameSync(partial, directory);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    if (error instanceof InputError) throw error;
    throw inputError(directory, `room to unpack ${archive}`, systemCode(error));
  }
  return entries.length;
}

/** The folders, with a last slash, in which all paths lie. */
function sharedFolder(paths: readonly string[]): string {
  let shared = paths[0]?.replace(/[^/]*$/, '') ?? '';
  for (const path of paths) {
    while (!path.startsWith(shared)) shared = shared.replace(/[^/]*\/$/, '');
  }
  return shared;
}
