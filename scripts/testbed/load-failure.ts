/** Guests that cannot be reached are told without a stack. */
import { OperationError } from '../../deploy/index.ts';

/** Does the work; a failure of the world is one line and exit code 1. */
export async function withoutStack(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof OperationError) || error.code === 'ERR_INTERRUPTED') throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
