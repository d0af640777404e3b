/** How a `wattwin testbed` command ends. */
import { TestbedError } from '../../deploy/testbed/index.ts';
import { runCommand } from '../cli.ts';

/** As `runCommand`; what this machine lacks or could not do is told without a stack. */
export function runTestbedCommand(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  return runCommand(async (signal) => {
    try {
      await work(signal);
    } catch (error) {
      if (!(error instanceof TestbedError)) throw error;
      process.stderr.write(`${error.message}\n`);
      process.exitCode = 1;
    }
  });
}
