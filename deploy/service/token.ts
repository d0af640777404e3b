/** The secret that clients show: where it is kept, how it is made and compared. It is never printed. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import process from 'node:process';
import { inputError } from '../../sim/index.ts';

const characters = { least: 16, most: 1024 } as const;

/**
 * Reads a token file.
 *
 * @throws InputError when it cannot be read, is no plain file of ours that others cannot read, or holds
 *   no token.
 */
export function readToken(path: string): string {
  const file = openToken(path);
  try {
    const { mode, uid, size } = fstatSync(file);
    if ((mode & constants.S_IFMT) !== constants.S_IFREG) {
      throw inputError(path, 'a plain file', 'something else');
    }
    if (uid !== process.getuid?.() && uid !== 0) {
      throw inputError(path, 'a file of this user or of root', `one of user ${uid}`);
    }
    if ((mode & 0o077) !== 0) {
      const got = `mode ${(mode & 0o777).toString(8)}; run chmod 600`;
      throw inputError(path, 'a file that only its owner can read', got);
    }
    const bytes = Buffer.alloc(Math.min(size, 2 * characters.most));
    const token = bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, 0)).trim();
    if (!isToken(token)) {
      const expected = `one line of ${characters.least} to ${characters.most} letters, digits and -._~+/=`;
      // Never what was found: it may be a secret all the same.
      throw inputError(path, expected, 'something else');
    }
    return token;
  } finally {
    closeSync(file);
  }
}

function openToken(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'error';
    throw inputError(path, 'a token file that can be read', code);
  }
}

/** What may stand after `Bearer ` (RFC 6750, section 2.1). */
const isToken = (text: string): boolean =>
  text.length >= characters.least &&
  text.length <= characters.most &&
  /^[A-Za-z0-9\-._~+/]+=*$/.test(text);

/**
 * The token in a file; one with 256 random bits is made where there is no file.
 *
 * @returns The token, and whether it was made just now.
 */
export function tokenIn(path: string): { readonly token: string; readonly isNew: boolean } {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const token = randomBytes(32).toString('base64url');
  try {
    writeFileSync(path, `${token}\n`, { flag: 'wx', mode: 0o600, flush: true });
    return { token, isNew: true };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return { token: readToken(path), isNew: false };
  }
}

/** Compares in a time that does not tell how much of it is right. */
export function tokenCheck(token: string): (given: string) => boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  const expected = digest(token);
  return (given) => timingSafeEqual(digest(given), expected);
}
