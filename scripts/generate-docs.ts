/**
 * `npm run docs`: writes the pages of `docs/` that come from code and from measurements.
 * `scenario.md` always; `accuracy.md` where the reference data are: `../shared`, or the directory
 * named by `WATTWIN_REFERENCE`.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { accuracyPage } from './docs/accuracy-page.ts';
import { scenarioPage } from './docs/scenario-page.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = resolve(here, here.includes('/dist/') ? '../..' : '..');
const reference = resolve(root, process.env['WATTWIN_REFERENCE'] ?? '../shared');

function write(name: string, text: string): void {
  const path = join(root, 'docs', name);
  const before = existsSync(path) ? readFileSync(path, 'utf8') : '';
  writeFileSync(path, text);
  console.log(`docs/${name}: ${before === text ? 'unchanged' : 'written'}`);
}

write('scenario.md', scenarioPage());
if (existsSync(join(reference, 'reference'))) write('accuracy.md', accuracyPage(reference));
else console.log(`docs/accuracy.md: left as it is, there are no reference data in ${reference}`);
