/** Words for a POSIX shell. */
import { inputError } from '../../sim/index.ts';

/**
 * One shell word that means exactly `text`, whatever is in it. Between single quotes nothing is
 * special but the single quote itself (POSIX.1-2017, XCU 2.2.2).
 *
 * @throws InputError when the text holds a NUL, which no shell word can carry.
 */
export function shellWord(text: string): string {
  if (text.includes('\0')) throw inputError('a word for the shell', 'text without NUL', text);
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
