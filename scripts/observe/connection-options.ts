/** Options that all commands to real hosts share. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { openSsh, systemClock, type Transport } from '../../deploy/index.ts';
import { parseQuantity } from '../../sim/index.ts';
import { wholeNumber } from '../cli.ts';

export interface ConnectionOptions {
  readonly sshConfig?: string;
  readonly virshUri: string;
  readonly sudo?: boolean;
  readonly timeout: number;
  readonly parallel: number;
}

/** Adds them to a command. */
export function withConnectionOptions(command: Command): Command {
  return command
    .option('--ssh-config <file>', 'ssh configuration instead of ~/.ssh/config')
    .option('--virsh-uri <uri>', 'libvirt on the host', 'qemu:///system')
    .option('--sudo', 'use `sudo -n` on the host for what only root may read')
    .addOption(durationOption('--timeout <time>', 'limit for one answer of a host', '20 s'))
    .option('--parallel <n>', 'hosts asked at the same time', wholeNumber(1), 32);
}

/** What every help text of such a command ends with. */
export const connectionHelp = `
HOST is [USER@]HOST as ssh knows it: a name, an address, or an alias of the ssh configuration. Log in
once by hand first: a key that needs no typing, and the host in known_hosts, are asked for. Nothing
is installed on a host and nothing is changed there.`;

/** An option that is a duration from 100 ms up, with a default as people write it. */
export function durationOption(flags: string, description: string, standard: string): Option {
  const parse = duration(100);
  return new Option(flags, description).argParser(parse).default(parse(standard), standard);
}

/** Parser for a duration of at least `leastMs`, ms. */
function duration(leastMs: number): (text: string) => number {
  return (text) => {
    const ms = parseQuantity('duration', text);
    if (ms === undefined || ms < leastMs) {
      throw new InvalidArgumentError(`expected a duration from ${leastMs} ms up, such as "5 s".`);
    }
    return ms;
  };
}

/** Opens ssh, does the work, and ends the connections whatever happens. */
export async function withSsh(
  options: ConnectionOptions,
  work: (transport: Transport) => Promise<void>,
): Promise<void> {
  const transport = openSsh({
    configFile: options.sshConfig,
    timeoutMs: options.timeout,
    connectTimeoutS: Math.max(1, Math.min(10, Math.floor(options.timeout / 1000))),
    clock: systemClock,
  });
  try {
    await work(transport);
  } finally {
    await transport.close();
  }
}
