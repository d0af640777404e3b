/** Commands for a remote shell, as lists of words. */
import { shellWord } from '../ssh/quote.ts';

/** Words that mean themselves in any shell; all others are quoted. */
const plain = /^[A-Za-z0-9_/:.,+-]+$/;

/** One command: the first word is a program, nothing in the others is special. */
export function commandLine(words: readonly string[]): string {
  return words.map((word) => (plain.test(word) ? word : shellWord(word))).join(' ');
}
