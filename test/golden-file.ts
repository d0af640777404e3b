/** Stored outputs that must not change unnoticed. `UPDATE_GOLDEN=1` writes them anew. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { expect } from 'vitest';

/** Expects `actual` to be what `path` holds. */
export function expectGolden(path: string, actual: string): void {
  if (process.env['UPDATE_GOLDEN'] === '1') {
    writeFileSync(path, actual);
    return;
  }
  const stored = existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  expect(actual, `${path} (UPDATE_GOLDEN=1 writes it anew)`).toBe(stored);
}
