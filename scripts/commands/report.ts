/** `wattwin report`: an evaluation, shown again. */
import { join } from 'node:path';
import { Command } from 'commander';
import { printJson, runCommand } from '../cli.ts';
import { compare } from '../evaluate/results.ts';
import { formatComparison } from '../report/table.ts';
import { evaluationFile, readEvaluation, writeReport } from '../report/write.ts';

interface Options {
  readonly png: boolean;
  readonly json?: boolean;
}

export function reportCommand(): Command {
  return new Command('report')
    .description('write report.html and the charts of an evaluation anew, and print its table')
    .argument('<dir>', 'directory with evaluation.json, from `wattwin evaluate` or `npm start`')
    .option('--no-png', 'no PNG charts')
    .option('--json', 'print the comparison as JSON')
    .action((directory: string, options: Options) =>
      runCommand(async () => {
        const evaluation = await readEvaluation(join(directory, evaluationFile));
        const paths = await writeReport(evaluation, directory, { png: options.png });
        if (options.json) printJson({ ...paths, results: compare(evaluation.records) });
        else {
          process.stdout.write(`${formatComparison(evaluation)}\n`);
          process.stdout.write(`\nreport: ${paths.html}\n`);
        }
      }),
    );
}
