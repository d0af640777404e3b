/** One process at a time in a directory: a file with the process's number, given up at the end. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inputError } from '../sim/index.ts';

/**
 * Takes the directory. A lock whose process is gone (it was killed) is taken over.
 *
 * @returns What gives the directory free again.
 * @throws InputError naming the process that holds it.
 */
export function lockDirectory(directory: string): () => void {
  const path = join(directory, '.lock');
  for (let attempt = 0; ; attempt++) {
    try {
      writeFileSync(path, `${process.pid}\n`, { flag: 'wx' });
      return () => rmSync(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt > 0) throw error;
      const holder = Number.parseInt(readFileSync(path, 'utf8'), 10);
      if (isAlive(holder)) {
        throw inputError(directory, 'a directory no other process writes to', `process ${holder}`);
      }
      rmSync(path, { force: true });
    }
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
