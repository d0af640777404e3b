/** `wattwin probe`: what real hosts are, and what this user could do there. */
import { Command } from 'commander';
import {
  checkHostNames,
  type HostCapabilities,
  OperationError,
  probeHost,
  type Transport,
} from '../../deploy/index.ts';
import { printJson, runCommand } from '../cli.ts';
import { capabilityTable } from '../observe/capability-table.ts';
import {
  type ConnectionOptions,
  connectionHelp,
  withConnectionOptions,
  withSsh,
} from '../observe/connection-options.ts';

interface Options extends ConnectionOptions {
  readonly json?: boolean;
}

export function probeCommand(): Command {
  const command = new Command('probe')
    .description('ask real hosts over ssh what can be read and set there; changes nothing')
    .argument('<host...>', '[USER@]HOST as ssh knows it');
  return withConnectionOptions(command)
    .option('--json', 'print JSON: hosts with all they said, and failures')
    .addHelpText(
      'after',
      `
  wattwin probe node1 node2
  wattwin probe admin@node1 --sudo --json

What is asked: kernel, CPU topology, cpufreq driver with governors and frequencies, idle states,
energy counters (RAPL), cgroup version, libvirt and its VMs, and which files this user may read and
write. "root" in the answer means that it exists and takes root's rights, say through sudo.
${connectionHelp}

Exit codes: 0 all hosts answered, 1 some did not (each has one line on stderr), 2 bad input.`,
    )
    .action((hosts: string[], options: Options) =>
      runCommand((signal) => probe(hosts, options, signal)),
    );
}

async function probe(hosts: string[], options: Options, signal: AbortSignal): Promise<void> {
  checkHostNames(hosts);
  await withSsh(options, async (transport) => {
    const answers = await probeAll(hosts, transport, options, signal);
    const failed = answers.filter((answer) => answer instanceof OperationError);
    const found = answers.flatMap((answer) => (answer instanceof OperationError ? [] : [answer]));
    if (options.json) {
      const failures = failed.map(({ host, code, message }) => ({ host, code, message }));
      printJson({ hosts: found, failures });
    } else {
      process.stdout.write(found.map(capabilityTable).join('\n'));
    }
    for (const { code, message } of failed) process.stderr.write(`${code} ${message}\n`);
    if (failed.length > 0) process.exitCode = 1;
  });
}

type Answer = HostCapabilities | OperationError;

/** Answers or failures in the order of the hosts, so many at a time. */
async function probeAll(
  hosts: readonly string[],
  transport: Transport,
  { virshUri, sudo = false, parallel, timeout }: Options,
  signal: AbortSignal,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < hosts.length; index = next++) {
      const limits = { virshUri, sudo, timeoutMs: timeout, signal };
      answers[index] = await probeHost(hosts[index]!, transport, limits).catch((error) => {
        if (error instanceof OperationError) return error;
        throw error;
      });
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallel, hosts.length) }, work));
  signal.throwIfAborted();
  return answers;
}
