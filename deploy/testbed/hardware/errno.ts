/** Errors that a file operation can end with. */

/** Linux's numbers. */
export const errnoNumbers = {
  EPERM: 1,
  ENOENT: 2,
  EIO: 5,
  EBADF: 9,
  EACCES: 13,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  ENOSYS: 38,
  EPROTO: 71,
} as const;

export type ErrnoCode = keyof typeof errnoNumbers;

/** A file operation was refused. */
export class FileError extends Error {
  override readonly name = 'FileError';
  readonly code: ErrnoCode;

  constructor(code: ErrnoCode) {
    super(code);
    this.code = code;
  }

  get number(): number {
    return errnoNumbers[this.code];
  }
}

/** The code of an error of `node:fs` such as `ENOENT`; `undefined` for any other. */
export function systemCode(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}
