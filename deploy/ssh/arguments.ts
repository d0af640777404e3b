/** The command line of `ssh`: an argument list, never a string for a local shell. */

export interface SshArguments {
  /** `ssh -F`: a configuration file instead of the user's. */
  readonly configFile?: string;
  /** Directory for control sockets; without it every command makes its own connection. */
  readonly controlDirectory?: string;
  readonly connectTimeoutS: number;
  /** How long an idle connection stays open, s. */
  readonly persistS: number;
}

/** Options that hold for every connection; those given on the command line win over any file. */
function options({ controlDirectory, connectTimeoutS, persistS }: SshArguments): string[] {
  return [
    // Ask nobody; trust only what known_hosts holds, and do not add to it.
    'BatchMode=yes',
    'StrictHostKeyChecking=yes',
    'UpdateHostKeys=no',
    // What a host that is not to be trusted could use against this machine.
    'ForwardAgent=no',
    'ForwardX11=no',
    'ClearAllForwardings=yes',
    'PermitLocalCommand=no',
    'RequestTTY=no',
    `ConnectTimeout=${connectTimeoutS}`,
    'ServerAliveInterval=5',
    'ServerAliveCountMax=3',
    'LogLevel=ERROR',
    ...(controlDirectory === undefined
      ? ['ControlMaster=no', 'ControlPath=none']
      : [
          'ControlMaster=auto',
          // %C is a hash of user, host and port: short, and without odd characters.
          `ControlPath=${controlDirectory.replaceAll('%', '%%')}/%C`,
          `ControlPersist=${persistS}`,
        ]),
  ];
}

const prefix = (given: SshArguments): string[] => [
  ...(given.configFile === undefined ? [] : ['-F', given.configFile]),
  ...options(given).flatMap((option) => ['-o', option]),
];

/** `ssh … -- HOST sh -s`: the script comes on standard input. */
export function commandArguments(host: string, given: SshArguments): string[] {
  return [...prefix(given), '--', host, 'exec sh -s'];
}

/** `ssh -O exit … -- HOST`: ends the shared connection. */
export function exitArguments(host: string, given: SshArguments): string[] {
  return ['-O', 'exit', ...prefix(given), '--', host];
}
