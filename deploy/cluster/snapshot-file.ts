/** The newest snapshot of a controller as a file that others may read at any time. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ClusterSnapshot, snapshotSchema } from './snapshot.ts';

/** Where the snapshot of a journal's directory is. */
export const snapshotPath = (directory: string): string => join(directory, 'snapshot.json');

/** Replaces what was there; a reader sees the old one or the new one, never a part. */
export function writeSnapshotFile(directory: string, snapshot: ClusterSnapshot): void {
  const draft = `${snapshotPath(directory)}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(snapshot), { mode: 0o600 });
  renameSync(draft, snapshotPath(directory));
}

/** The newest snapshot; `undefined` where there is none, or none that this version can read. */
export function readSnapshotFile(directory: string): ClusterSnapshot | undefined {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(snapshotPath(directory), 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return snapshotSchema.safeParse(value).data;
}
