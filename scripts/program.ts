/** The `wattwin` program: one file per subcommand in `commands/`. */
import { Command } from 'commander';
import { approveCommand, rejectCommand } from './commands/approve.ts';
import { calibrateCommand } from './commands/calibrate.ts';
import { controlCommand } from './commands/control.ts';
import { evaluateCommand } from './commands/evaluate.ts';
import { journalCommand } from './commands/journal.ts';
import { labelCommand } from './commands/label.ts';
import { observeCommand } from './commands/observe.ts';
import { probeCommand } from './commands/probe.ts';
import { reportCommand } from './commands/report.ts';
import { restoreCommand } from './commands/restore.ts';
import { serveCommand } from './commands/serve.ts';
import { simulateCommand } from './commands/simulate.ts';
import { testbedCommand } from './commands/testbed.ts';
import { tracesCommand } from './commands/traces.ts';
import { trainCommand } from './commands/train.ts';

/** @param exit Ends the process: 0 after help, 2 after options that cannot be. */
export function createProgram(exit: (code: number) => never): Command {
  const program = new Command('wattwin')
    .description('A digital twin of virtual-machine clusters that decides.')
    .addHelpText(
      'after',
      `
From a scenario to a report, step by step:
  wattwin simulate examples/office-day.yaml
  wattwin label examples/office-day.yaml --seeds 1..4 --out runs/labels
  wattwin train runs/labels --out runs/policy.ckpt
  wattwin evaluate examples/office-day.yaml --seeds 101..104 --checkpoint runs/policy.ckpt --out runs/eval
  wattwin report runs/eval

Exit codes: 0 done, 1 failed, 2 bad input (each problem is named on stderr).`,
    )
    .showHelpAfterError('(add --help for what can be given)')
    // What follows a command is its own: `testbed ssh h1 ls --help` asks for the help of ls.
    .enablePositionalOptions()
    // Commander ends with 1 on a bad option; bad input is 2 here.
    .exitOverride((error) => exit(error.exitCode === 0 ? 0 : 2));
  for (const command of [
    simulateCommand(),
    labelCommand(),
    trainCommand(),
    evaluateCommand(),
    reportCommand(),
    tracesCommand(),
    calibrateCommand(),
    probeCommand(),
    observeCommand(),
    controlCommand(),
    approveCommand(),
    rejectCommand(),
    serveCommand(),
    testbedCommand(),
    journalCommand(),
    restoreCommand(),
  ]) {
    program.addCommand(command.copyInheritedSettings(program));
    inherit(command, program);
  }
  return program;
}

/** Subcommands of any depth end and complain as the program does. */
function inherit(command: Command, program: Command): void {
  for (const part of command.commands) {
    part.copyInheritedSettings(program);
    inherit(part, program);
  }
}
