/** From what a command on a host said to a typed error. */
import { type OperationCode, OperationError } from '../operation-error.ts';
import { lastLine } from '../ssh/failure.ts';
import type { SectionOutput } from '../ssh/frames.ts';

const signs: readonly (readonly [RegExp, OperationCode])[] = [
  [/command not found|: not found/i, 'ERR_COMMAND_MISSING'],
  [
    /read only access|authentication unavailable|authentication failed|permission denied|operation not permitted|access denied|password is required|not in the sudoers|not allowed to execute/i,
    'ERR_REFUSED',
  ],
  [
    /failed to get domain|domain not found|no domain with matching|domain is not running/i,
    'ERR_VM_ABSENT',
  ],
  [
    /cannot acquire state change lock|another (?:operation|migration) is|is being migrated/i,
    'ERR_BUSY',
  ],
];

/** The error for a section that ended with a status other than 0. */
export function failureOf(host: string, what: string, output: SectionOutput): OperationError {
  const said = lastLine(output.text).replace(/^error: /, '');
  const code: OperationCode =
    output.status === 127
      ? 'ERR_COMMAND_MISSING'
      : (signs.find(([pattern]) => pattern.test(output.text))?.[1] ?? 'ERR_REMOTE_FAILED');
  const detail = said === '' ? `status ${output.status}` : said;
  return new OperationError(code, host, `${host}: ${what} failed (${detail})`);
}

/**
 * The text of a section.
 *
 * @throws OperationError when it is missing or its command failed.
 */
export function textOf(
  host: string,
  sections: ReadonlyMap<string, SectionOutput>,
  name: string,
  what: string,
): string {
  const output = sections.get(name);
  if (output === undefined) {
    throw new OperationError('ERR_OUTPUT_TRUNCATED', host, `${host}: no answer about ${name}`);
  }
  if (output.status !== 0) throw failureOf(host, what, output);
  return output.text;
}
