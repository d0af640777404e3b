/** Which files of a path belong to a table, and how they begin. */
import { statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { inputError } from '../sim/index.ts';
import { byteChunks } from './byte-chunks.ts';
import { listDirectory, systemCode } from './files.ts';

/**
 * The files of a table: the path itself when it is a file, else those in the directory whose names
 * fit, else those in a subdirectory of the table's name.
 *
 * @param folders Subdirectories that may hold the table.
 * @returns Paths, by name; empty when none fits.
 * @throws InputError when the path cannot be read.
 */
export function tableFiles(
  path: string,
  name: RegExp,
  folders: readonly string[] = [],
): readonly string[] {
  let isDirectory: boolean;
  try {
    isDirectory = statSync(path).isDirectory();
  } catch (error) {
    throw inputError(path, 'a readable file or directory', systemCode(error));
  }
  if (!isDirectory) return [path];
  const { files, directories } = listDirectory(path);
  const here = files.filter((file) => name.test(file)).map((file) => join(path, file));
  if (here.length > 0) return here;
  return folders
    .filter((folder) => directories.includes(folder))
    .flatMap((folder) => {
      const inside = join(path, folder);
      return listDirectory(inside).files.map((file) => join(inside, file));
    });
}

/** First line of a file, plain or gzip, at most `length` characters of it. */
export function firstLineOf(path: string, length = 4096): string {
  const first = byteChunks(path).next();
  const bytes =
    first.done === true ? new Uint8Array(0) : Uint8Array.from(first.value.subarray(0, length));
  const line = new TextDecoder().decode(bytes).split('\n', 1)[0] ?? '';
  return line.replace(/^\uFEFF/, '').replace(/\r$/, '');
}

/** A path's last part without the endings of tables, for a workload's name. */
export function tableName(path: string): string {
  return basename(path).replace(/(?:\.(?:csv|json|parquet|gz))+$/i, '');
}
