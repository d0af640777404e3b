/** Failures of the world: a host, its network, its tools. Never a bug, never the user's input. */

/** What can go wrong with a command on a host. */
export type OperationCode =
  | 'ERR_SSH_MISSING'
  | 'ERR_SSH_CONFIG'
  | 'ERR_UNREACHABLE'
  | 'ERR_HOST_KEY_CHANGED'
  | 'ERR_HOST_KEY_UNKNOWN'
  | 'ERR_AUTHENTICATION'
  | 'ERR_COMMAND_MISSING'
  | 'ERR_TIMEOUT'
  | 'ERR_OUTPUT_LIMIT'
  | 'ERR_OUTPUT_TRUNCATED'
  | 'ERR_FROZEN'
  | 'ERR_INTERRUPTED'
  | 'ERR_REMOTE_FAILED'
  | 'ERR_JOURNAL'
  | 'ERR_LEASE'
  /** It cannot be done as things are: a host cannot, or must not, or the VM does not allow it. */
  | 'ERR_REFUSED'
  /** The VM is not on that host, or is not in the state that the operation needs. */
  | 'ERR_VM_ABSENT'
  /** Something else is being done to the VM. */
  | 'ERR_BUSY'
  /** A command succeeded, and what was read back is not what was asked for. */
  | 'ERR_NOT_APPLIED'
  /** A migration failed; the VM runs where it ran. */
  | 'ERR_MIGRATION'
  /** A migration was called off because it came to no end; the VM runs where it ran. */
  | 'ERR_NOT_CONVERGING'
  /** After a migration the VM runs on neither host. */
  | 'ERR_VM_LOST'
  /** The VM runs on two hosts. */
  | 'ERR_VM_TWICE'
  /** Where the VM is could not be found out. */
  | 'ERR_VM_UNKNOWN'
  | 'ERR_HOST_NOT_EMPTY'
  | 'ERR_WAKE';

/**
 * Codes after which asking the same host again cannot help, and might harm: the answer would come
 * from a host that is not known, or would count as one more failed login.
 */
const hopeless: ReadonlySet<OperationCode> = new Set<OperationCode>([
  'ERR_SSH_MISSING',
  'ERR_SSH_CONFIG',
  'ERR_HOST_KEY_CHANGED',
  'ERR_HOST_KEY_UNKNOWN',
  'ERR_AUTHENTICATION',
  'ERR_COMMAND_MISSING',
  'ERR_REFUSED',
  'ERR_VM_LOST',
  'ERR_VM_TWICE',
]);

/** A command on a host failed. The message is one line, without control characters. */
export class OperationError extends Error {
  override readonly name = 'OperationError';
  readonly code: OperationCode;
  readonly host: string;

  constructor(code: OperationCode, host: string, message: string, options?: ErrorOptions) {
    super(printable(message), options);
    this.code = code;
    this.host = host;
  }

  /** Whether the same command may work later without anyone doing something. */
  get mayPass(): boolean {
    return !hopeless.has(this.code);
  }
}

/**
 * Text from a host as one line for a terminal: control characters, which could move the cursor or
 * rename the window, become a middle dot.
 */
export function printable(text: string): string {
  return Array.from(text.trim(), (character) => {
    const code = character.codePointAt(0)!;
    const isControl = code < 32 || (code >= 127 && code < 160);
    // Marks that reverse the direction of what follows, hide it, or end the line.
    const isFormat = (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e);
    const isMark = code === 0x61c || code === 0xfeff || (code >= 0x2066 && code <= 0x2069);
    return isControl || isFormat || isMark ? '·' : character;
  }).join('');
}
