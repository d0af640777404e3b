/**
 * The two kinds of error the library itself raises: `InvariantError` when we are wrong (crash),
 * `InputError` when the input is wrong (report every issue at once, exit code 2).
 */

/** A broken promise of our own code. Never caught; always a bug. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/** Throws `InvariantError` unless `condition` holds. The message is built only on failure. */
export function assert(condition: boolean, message: () => string): asserts condition {
  if (!condition) throw new InvariantError(message());
}

/** One thing that is wrong with an input, said so that a person can mend it. */
export interface Issue {
  /** Where: a file with its line (`trace.csv:17`) or a dotted path (`hosts[2].memory`). */
  readonly path: string;
  /** What would have been right, e.g. `a size such as "64 GiB"`. */
  readonly expected: string;
  /** What was found, as text. */
  readonly got: string;
}

/** The user's input cannot be used. Carries all issues found, not only the first. */
export class InputError extends Error {
  override readonly name = 'InputError';
  readonly issues: readonly Issue[];

  constructor(issues: readonly Issue[]) {
    super(issues.map(formatIssue).join('\n'));
    this.issues = issues;
  }
}

/** An `InputError` about one place. */
export function inputError(path: string, expected: string, got: string): InputError {
  return new InputError([{ path, expected, got }]);
}

/** `path: expected …, got …` on one line, with long or multi-line findings shortened. */
export function formatIssue(issue: Issue): string {
  return `${issue.path}: expected ${issue.expected}, got ${shorten(issue.got)}`;
}

function shorten(text: string): string {
  const printable = Array.from(text, (character) => {
    const code = character.charCodeAt(0);
    return code < 32 || (code >= 127 && code < 160) || code === 0xfffd ? '·' : character;
  }).join('');
  return printable.length > 80 ? `${printable.slice(0, 77)}...` : printable;
}
