/** The public surface: a name that comes or goes is a visible change of `golden/api.txt`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { expectGolden } from './golden-file.ts';

const root = join(import.meta.dirname, '..');
const entries = [
  'index.ts',
  'sim/index.ts',
  'traces/index.ts',
  'oracle/index.ts',
  'learner/index.ts',
  'deploy/index.ts',
];

/** Names that an index re-exports, types marked, in order. */
function exportedNames(path: string): string[] {
  const text = readFileSync(join(root, path), 'utf8');
  const names: string[] = [];
  for (const [, isType, list] of text.matchAll(/export (type )?\{([^}]*)\} from/g)) {
    for (const item of list!.split(',').map((part) => part.trim())) {
      if (item === '') continue;
      names.push(isType === undefined ? item : `type ${item}`);
    }
  }
  return names.sort((a, b) => (bare(a) < bare(b) ? -1 : 1));
}

const bare = (name: string): string => name.replace(/^type /, '');

it('exports the names on record, and no others', () => {
  const lines = entries.map((path) => `${path}\n${exportedNames(path).join('\n')}\n`);
  expectGolden(join(import.meta.dirname, 'golden/api.txt'), lines.join('\n'));
});

it.each(entries)(
  '%s re-exports by name and nothing else, and every value is there',
  async (path) => {
    const text = readFileSync(join(root, path), 'utf8');
    expect(text).not.toMatch(/export \*|export default|^(const|function|class|let) /m);
    const values = exportedNames(path).filter((name) => !name.startsWith('type '));
    const module = (await import(join(root, path))) as Record<string, unknown>;
    expect(Object.keys(module).sort()).toEqual(values.sort());
  },
);

it('package.json leads to each index as built', () => {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, string>;
  };
  expect(
    Object.values(exports).map((path) => path.replace('./dist/', '').replace('.js', '.ts')),
  ).toEqual(entries);
});
