/** Runs a module's command when the module is the program, not when it is imported. */
import { realpathSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { CommanderError } from 'commander';
import { InputError } from '../sim/index.ts';

/**
 * @param moduleUrl `import.meta.url` of the module.
 * @param command From the command line to the one line to print. A commander program in it must
 *   have `exitOverride()` set.
 */
export function runAsScript(moduleUrl: string, command: (args: readonly string[]) => string): void {
  const script = process.argv[1];
  if (script === undefined || moduleUrl !== pathToFileURL(realpathSync(script)).href) return;
  try {
    process.stdout.write(`${command(process.argv.slice(2))}\n`);
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : 2;
    } else if (error instanceof InputError) {
      process.stderr.write(`${error.message}\n`);
      process.exitCode = 2;
    } else {
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
      process.exitCode = 1;
    }
  }
}
