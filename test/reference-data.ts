/**
 * Where tests find published data and other tools' results, which are not part of the repository:
 * `../shared` beside it, or the directory named by `WATTWIN_REFERENCE`. Without the data such
 * tests are skipped, and fail where `CI` is set.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const { CI, WATTWIN_REFERENCE } = process.env;
const repository = fileURLToPath(new URL('..', import.meta.url));
const root = resolve(WATTWIN_REFERENCE ?? join(repository, '..', 'shared'));

/** Path of a file or directory of the reference data. */
export function referencePath(...segments: readonly string[]): string {
  return join(root, ...segments);
}

/** Whether the reference data are there. */
export const hasReferenceData = existsSync(root);

/** A `describe` that needs the reference data. */
export function describeWithReference(title: string, tests: () => void): void {
  if (hasReferenceData) describe(title, tests);
  else if (CI) {
    describe(title, () => {
      it('finds the reference data', () => {
        expect.fail(`no reference data in ${root}; set WATTWIN_REFERENCE`);
      });
    });
  } else describe.skip(title, tests);
}
