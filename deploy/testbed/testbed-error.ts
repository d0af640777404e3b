/** Failures of a testbed: of this machine, never of the user's input and never a bug. */

export type TestbedErrorCode =
  /** Tools, devices or rights are missing; nothing was made. */
  | 'ERR_PREREQUISITES'
  | 'ERR_EXISTS'
  | 'ERR_NO_TESTBED'
  /** A program of this machine failed. */
  | 'ERR_COMMAND'
  | 'ERR_IMAGES'
  | 'ERR_HOST'
  | 'ERR_VM'
  /** Something of the testbed could not be taken away. */
  | 'ERR_LEFTOVERS'
  | 'ERR_AGENT';

/** The message is for people; it may have several lines. */
export class TestbedError extends Error {
  override readonly name = 'TestbedError';
  readonly code: TestbedErrorCode;

  constructor(code: TestbedErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
