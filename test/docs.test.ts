/** Pages that are made from code say what the code says; links in the documentation lead somewhere. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { accuracyPage } from '../scripts/docs/accuracy-page.ts';
import { scenarioPage } from '../scripts/docs/scenario-page.ts';
import { describeWithReference, referencePath } from './reference-data.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const page = (name: string): string => readFileSync(join(root, name), 'utf8');

it('docs/scenario.md is what `npm run docs` writes', () => {
  expect(page('docs/scenario.md')).toBe(scenarioPage());
});

describeWithReference('measured pages', () => {
  it('docs/accuracy.md is what `npm run docs` measures', () => {
    // `compat/cloudsim.test.ts` holds each of these runs to the last bit.
    const count = { runs: 21, equal: 21, days: ['20110303', '20110306', '20110309'] };
    expect(page('docs/accuracy.md')).toBe(accuracyPage(referencePath(), count));
  }, 180_000);
});

const pages = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

it.each(pages)('%s links only to files that exist', (name) => {
  const targets = [...page(name).matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(([, target]) => target!);
  const missing = targets.filter(
    (target) => !/^https?:/.test(target) && !existsSync(join(root, dirname(name), target)),
  );
  expect(missing).toEqual([]);
});
