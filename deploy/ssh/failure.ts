/** From what `ssh` says to a typed error with one clear line. */
import { type OperationCode, OperationError } from '../operation-error.ts';

interface Sign {
  readonly pattern: RegExp;
  readonly code: OperationCode;
  readonly message: string;
}

/** In order: a changed key is also reported as a failed verification. */
const signs: readonly Sign[] = [
  {
    pattern: /REMOTE HOST IDENTIFICATION HAS CHANGED|POSSIBLE DNS SPOOFING/,
    code: 'ERR_HOST_KEY_CHANGED',
    message:
      'its key is not the one in known_hosts: another machine answers, or it was installed anew. ' +
      'Nothing was sent. Find out which before you change known_hosts',
  },
  {
    pattern: /revoked host key|host key .* revoked/i,
    code: 'ERR_HOST_KEY_CHANGED',
    message: 'its key is marked as revoked',
  },
  {
    pattern: /No \S+ host key is known for|Host key verification failed/,
    code: 'ERR_HOST_KEY_UNKNOWN',
    message: 'its key is not in known_hosts; connect once by hand and compare the fingerprint',
  },
  {
    pattern: /Permission denied \(|Too many authentication failures|No supported authentication/,
    code: 'ERR_AUTHENTICATION',
    message: 'it does not accept our key; check that `ssh -o BatchMode=yes HOST true` works',
  },
  {
    pattern: /Bad configuration option|terminating, \d+ bad configuration|Can't open user config/,
    code: 'ERR_SSH_CONFIG',
    message: 'the ssh configuration cannot be read',
  },
  {
    pattern:
      /Could not resolve hostname|Connection (?:refused|timed out|reset|closed)|No route to host|Network is unreachable|Operation timed out|kex_exchange_identification|Timeout, server|Broken pipe|banner exchange/,
    code: 'ERR_UNREACHABLE',
    message: 'it cannot be reached',
  },
];

/** The last line that says something, shortened. */
export function lastLine(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const line = lines.at(-1)?.trim() ?? '';
  return line.length > 200 ? `${line.slice(0, 197)}...` : line;
}

/**
 * The error for an exit status that is not 0.
 *
 * @param status Of `ssh`: 255 is its own failure, anything else the remote command's.
 * @param messages What came on standard error.
 */
export function failureOf(host: string, status: number | null, messages: string): OperationError {
  const detail = lastLine(messages);
  const because = detail === '' ? '' : ` (${detail})`;
  if (status === 255) {
    const sign = signs.find(({ pattern }) => pattern.test(messages));
    if (sign !== undefined) {
      // The long warning about a changed key is no help beside the sentence above.
      const quoted = sign.code === 'ERR_HOST_KEY_CHANGED' ? '' : because;
      return new OperationError(sign.code, host, `${host}: ${sign.message}${quoted}`);
    }
    return new OperationError('ERR_UNREACHABLE', host, `${host}: ssh failed${because}`);
  }
  if (status === 126 || status === 127) {
    return new OperationError(
      'ERR_COMMAND_MISSING',
      host,
      `${host}: it has no POSIX shell \`sh\` that this user may run${because}`,
    );
  }
  const how = status === null ? 'was killed' : `ended with status ${status}`;
  return new OperationError('ERR_REMOTE_FAILED', host, `${host}: the command ${how}${because}`);
}
