/** How a `wattwin testbed` command ends. */
import { TestbedError, thisMachine } from '../../deploy/testbed/index.ts';
import { runCommand } from '../cli.ts';

/**
 * As `runCommand`; what this machine lacks or could not do is told without a stack, and Ctrl-C ends it
 * with what the work has said.
 */
export function runTestbedCommand(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  // Where the system's programs are, also for a root without them on its PATH.
  process.env['PATH'] = thisMachine().path.join(':');
  return runCommand(async (signal) => {
    try {
      await work(signal);
    } catch (error) {
      if (signal.aborted) {
        process.stderr.write('stopped\n');
        process.exitCode = 130;
      } else if (error instanceof TestbedError) {
        process.stderr.write(`${error.message}\n`);
        process.exitCode = 1;
      } else {
        throw error;
      }
    }
  });
}
