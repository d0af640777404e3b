/** A directory for control sockets that only this user can look into. */
import { lstatSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inputError } from '../../sim/index.ts';

/**
 * A Unix socket's path has at most 104 bytes (the least of today's systems) with its NUL; `ssh` names
 * it by 40 hexadecimal digits and, while it is made, 17 characters more.
 */
const bytesMax = 104 - 1 - '/'.length - 40 - 17;

/**
 * Makes a directory of mode 0700 whose name nobody can foresee.
 *
 * @throws InputError when every place for temporary files has too long a path.
 */
export function makeControlDirectory(places: readonly string[] = [tmpdir(), '/tmp']): string {
  const short = places.find(
    (place) => Buffer.byteLength(join(place, 'wattwin-XXXXXX')) <= bytesMax,
  );
  if (short === undefined) {
    throw inputError('TMPDIR', `a path of at most ${bytesMax - 15} bytes`, places[0] ?? '');
  }
  const directory = mkdtempSync(join(short, 'wattwin-'));
  const { mode, uid } = lstatSync(directory);
  if ((mode & 0o077) !== 0 || (process.getuid !== undefined && uid !== process.getuid())) {
    rmSync(directory, { recursive: true, force: true });
    throw inputError(
      directory,
      'a directory that only its owner can use',
      (mode & 0o777).toString(8),
    );
  }
  return directory;
}
