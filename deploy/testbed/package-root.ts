/** Where this package is on disk: what is not TypeScript is found from there. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { TestbedError } from './testbed-error.ts';

/** The directory with `package.json`, above both the sources and what the compiler made of them. */
export function packageRoot(): string {
  let directory = import.meta.dirname;
  while (!existsSync(join(directory, 'package.json'))) directory = dirname(directory);
  return directory;
}

/**
 * The compiled package, which hosts run: node there has no loader for TypeScript.
 *
 * @throws TestbedError when it was not compiled.
 */
export function compiledRoot(): string {
  const directory = join(packageRoot(), 'dist');
  if (existsSync(join(directory, 'deploy'))) return directory;
  throw new TestbedError('ERR_HOST', `${directory} is not there: compile first, \`npm run build\``);
}
