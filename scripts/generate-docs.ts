/**
 * `npm run docs`: writes the pages of `docs/` that come from code and from measurements.
 * `scenario.md` and `cluster-file.md` always; `accuracy.md` where the reference data are: `../shared`, or the directory
 * named by `WATTWIN_REFERENCE`. With names of groups it measures their rows of `accuracy.md` and prints them.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inputError } from '../sim/index.ts';
import { runCommand } from './cli.ts';
import { accuracyGroups } from './docs/accuracy/index.ts';
import { accuracyPage } from './docs/accuracy-page.ts';
import { clusterPage } from './docs/cluster-page.ts';
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

async function writePages(): Promise<void> {
  write('scenario.md', scenarioPage());
  write('cluster-file.md', clusterPage());
  if (existsSync(join(reference, 'reference'))) {
    const page = await accuracyPage(reference, (note) =>
      process.stderr.write(`measuring ${note}\n`),
    );
    write('accuracy.md', page);
  } else {
    console.log(`docs/accuracy.md: left as it is, there are no reference data in ${reference}`);
  }
}

/** @throws InputError when there is no such group. */
async function printRows(names: readonly string[]): Promise<void> {
  const groups = names.map((name) => {
    const group = accuracyGroups.find((one) => one.name === name);
    const known = accuracyGroups.map((one) => one.name).join(', ');
    if (group === undefined) throw inputError('group', `one of ${known}`, name);
    return group;
  });
  for (const group of groups) {
    for (const { model, referee, error } of await group.measure(reference)) {
      console.log(`${model}\n  against ${referee}\n  ${error}`);
    }
  }
}

const names = process.argv.slice(2);
await runCommand(() => (names.length === 0 ? writePages() : printRows(names)));
