/** The file that stops a controller while it exists. */
import { lstatSync } from 'node:fs';

/**
 * Why nothing may be done now, if so. What cannot be looked at stops, too: a switch that is pulled must
 * not fail for want of a permission. A link counts wherever it leads.
 */
export function killSwitch(path: string): string | undefined {
  try {
    lstatSync(path);
    return `the file ${path} exists`;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT'
      ? undefined
      : `whether the file ${path} exists cannot be seen (${code})`;
  }
}
