/** From what a command on a host said to a typed error. */
import { type OperationCode, OperationError } from '../operation-error.ts';
import { lastLine } from '../ssh/failure.ts';
import type { SectionOutput } from '../ssh/frames.ts';

interface Sign {
  readonly pattern: RegExp;
  readonly code: OperationCode;
  /** What it means, where that is not what was said. */
  readonly meaning?: string;
}

const signs: readonly Sign[] = [
  {
    // The kernel lets no group have more than the one around it.
    pattern: /'cpu\.(?:cfs_\w+|max)': invalid argument/i,
    code: 'ERR_REFUSED',
    meaning: 'a limit of the whole VM, or of all VMs of the host, is lower already',
  },
  { pattern: /command not found|: not found/i, code: 'ERR_COMMAND_MISSING' },
  {
    pattern:
      /read only access|authentication unavailable|authentication failed|permission denied|operation not permitted|access denied|password is required|not in the sudoers|not allowed to execute/i,
    code: 'ERR_REFUSED',
  },
  {
    pattern: /failed to get domain|domain not found|no domain with matching|domain is not running/i,
    code: 'ERR_VM_ABSENT',
  },
  {
    pattern:
      /cannot acquire state change lock|another (?:operation|migration) is|is being migrated/i,
    code: 'ERR_BUSY',
  },
];

/** The error for a section that ended with a status other than 0. */
export function failureOf(host: string, what: string, output: SectionOutput): OperationError {
  const said = lastLine(output.text).replace(/^error: /, '');
  const sign = signs.find(({ pattern }) => pattern.test(output.text));
  const code = output.status === 127 ? 'ERR_COMMAND_MISSING' : (sign?.code ?? 'ERR_REMOTE_FAILED');
  const detail = said === '' ? `status ${output.status}` : said;
  const meaning = sign?.meaning === undefined ? '' : `: ${sign.meaning}`;
  return new OperationError(code, host, `${host}: ${what} failed${meaning} (${detail})`);
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
