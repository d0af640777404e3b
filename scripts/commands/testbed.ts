/** `wattwin testbed`: libvirt/QEMU hosts of this machine, made from nothing and taken away again. */
import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { systemClock } from '../../deploy/index.ts';
import {
  bringUp,
  controlHost,
  type DiskKind,
  diskKinds,
  guestImages,
  type HostVerb,
  hostOf,
  imageLacks,
  loadPlan,
  readStatus,
  requireNothing,
  runInteractively,
  systemPrograms,
  takeDown,
  thisMachine,
  usualCpuShares,
} from '../../deploy/testbed/index.ts';
import { inputError } from '../../sim/index.ts';
import { printJson, wholeNumber } from '../cli.ts';
import { experimentCommand } from '../testbed/experiment-command.ts';
import { loadCommand } from '../testbed/load-command.ts';
import { runTestbedCommand } from '../testbed/run.ts';
import { statusTable } from '../testbed/status-table.ts';

interface NameOptions {
  readonly name: string;
}

interface UpOptions extends NameOptions {
  readonly hosts: number;
  readonly vms: number;
  readonly redis: number;
  readonly disk: DiskKind;
  readonly hardware?: string;
  readonly cpuShares: number;
  readonly cache?: string;
  readonly json?: boolean;
}

const clock = systemClock;
const programs = systemPrograms(clock);

export function testbedCommand(): Command {
  const testbed = new Command('testbed')
    .description('real libvirt/QEMU hosts on this machine, to try everything on')
    // Parts that pass options through must be told so before they are made.
    .enablePositionalOptions()
    .addHelpText(
      'after',
      `
  sudo wattwin testbed up --hosts 2 --vms 3
  sudo wattwin testbed status
  sudo wattwin probe h1 h2 --ssh-config /run/wattwin/testbed/default/ssh_config
  sudo wattwin testbed ssh h1 virsh list
  sudo wattwin testbed kill h2; sudo wattwin testbed start h2
  sudo wattwin testbed down

Each host has its own processes, network, files, control groups, sshd and libvirtd, and CPU frequencies
and energy counters of its own that are emulated but act on its VMs. VMs are emulated too: no KVM is
needed. It takes Linux on x86-64, root and a few packages; what is missing is named before anything is
made. docs/testbed.md says how it works and what it cannot show.`,
    );
  addUp(testbed);
  addInspection(testbed);
  addHostVerbs(testbed);
  addImages(testbed);
  testbed.addCommand(loadCommand());
  testbed.addCommand(experimentCommand());
  return testbed;
}

function nameOption(): Option {
  return new Option('--name <name>', 'which testbed; several can run').default('default');
}

const cacheOption = (): Option =>
  new Option('--cache <dir>', "guests' images; default: ~/.cache/wattwin/testbed");

function addUp(testbed: Command): void {
  testbed
    .command('up')
    .description('make hosts and VMs and wait until all answer')
    .addOption(nameOption())
    .option('--hosts <n>', 'hosts h1 to hN', wholeNumber(1), 2)
    .option('--vms <n>', 'VMs vm1 to vmM, dealt out to the hosts in turn', wholeNumber(0), 2)
    .option('--redis <n>', 'how many of them, from vm1 on, also run Redis', wholeNumber(0), 0)
    .addOption(
      new Option('--disk <kind>', "VMs' disks: copied by migrations, shared by all hosts, or none")
        .choices(diskKinds)
        .default('none'),
    )
    .option('--hardware <file>', "JSON with what is not the default of the hosts' hardware")
    .option(
      '--cpu-shares <n>',
      'CPU time of all testbeds against other programs of this machine, which have 1024',
      wholeNumber(1),
      usualCpuShares,
    )
    .addOption(cacheOption())
    .option('--json', 'print the status as JSON when all is up')
    .action((options: UpOptions) => runTestbedCommand((signal) => up(options, signal)));
  testbed
    .command('down')
    .description('end and remove all of it, also after an `up` that was killed')
    .addOption(nameOption())
    .action(({ name }: NameOptions) =>
      runTestbedCommand(async () => {
        const wasThere = await takeDown(name, { programs, clock });
        say(wasThere ? `testbed "${name}" is gone` : `there is no testbed "${name}"`);
      }),
    );
}

function addInspection(testbed: Command): void {
  testbed
    .command('status')
    .description('hosts and VMs as they are now')
    .addOption(nameOption())
    .option('--json', 'print JSON')
    .action(({ name, json }: NameOptions & { json?: boolean }) =>
      runTestbedCommand(async () => {
        const status = await readStatus(name, programs);
        if (json) printJson(status);
        else process.stdout.write(statusTable(status));
      }),
    );
  testbed
    .command('ssh')
    .description('a shell or a command on a host')
    .addOption(nameOption())
    .argument('<host>', 'h1 to hN')
    .argument('[command...]')
    .passThroughOptions()
    .action((host: string, command: string[], { name }: NameOptions) =>
      runTestbedCommand(async () => {
        const plan = loadPlan(name);
        const { sshConfig } = plan.layout;
        await pass(['ssh', '-F', sshConfig, hostOf(plan, host).name, ...command]);
      }),
    );
  testbed
    .command('exec')
    .description("a command of this machine inside the testbed's network, where 10.77.0.0/24 is")
    .addOption(nameOption())
    .argument('<command...>')
    .passThroughOptions()
    .action((command: string[], { name }: NameOptions) =>
      runTestbedCommand(async () => {
        const { layout } = loadPlan(name);
        await pass(['nsenter', `--net=/run/netns/${layout.controlNetns}`, '--', ...command]);
      }),
    );
}

const hostVerbTexts: Readonly<Record<HostVerb, readonly [description: string, done: string]>> = {
  kill: ['cut the power of a host: its VMs die, nothing answers', 'is off'],
  start: ['power a host on again; its VMs are defined, but shut off', 'is up'],
  cut: ["pull a host's network cable; it runs on", 'cannot be reached'],
  join: ['plug the cable in again', 'can be reached'],
};

function addHostVerbs(testbed: Command): void {
  for (const [verb, [description, done]] of Object.entries(hostVerbTexts)) {
    testbed
      .command(verb)
      .description(description)
      .argument('<host>', 'h1 to hN')
      .addOption(nameOption())
      .action((host: string, { name }: NameOptions) =>
        runTestbedCommand(async (signal) => {
          await controlHost(name, verb as HostVerb, host, { programs, clock, signal });
          say(`${host} ${done}`);
        }),
      );
  }
}

function addImages(testbed: Command): void {
  testbed
    .command('images')
    .description("build the guests' images now; `up` does it when they are missing")
    .addOption(cacheOption())
    .option('--refresh', "build them again with today's packages")
    .action(({ cache, refresh = false }: { cache?: string; refresh?: boolean }) =>
      runTestbedCommand(async (signal) => {
        requireNothing(imageLacks(thisMachine()));
        const options = { cacheDirectory: cache, refresh, programs, signal, say };
        const { directory, isNew } = await guestImages(options);
        if (!isNew) say(`guest images are in ${directory} already`);
      }),
    );
}

async function up(options: UpOptions, signal: AbortSignal): Promise<void> {
  const { name, hosts, vms, redis, disk, hardware: hardwareFile, cpuShares, cache, json } = options;
  const hardware = hardwareFile === undefined ? {} : readHardware(hardwareFile);
  const spec = { name, hosts, vms, redis, disk, hardware };
  await bringUp(spec, { programs, clock, cacheDirectory: cache, cpuShares, signal, say });
  const status = await readStatus(name, programs);
  if (json) printJson(status);
  else process.stdout.write(`\n${statusTable(status)}`);
}

function readHardware(path: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
    throw inputError(path, 'a JSON object', JSON.stringify(value));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined && !(error instanceof SyntaxError)) throw error;
    throw inputError(path, 'a JSON file that can be read', (error as Error).message);
  }
}

/** Progress: not on standard output, which is for answers. */
function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Runs a program on this terminal and ends as it does. */
async function pass(argv: readonly string[]): Promise<void> {
  process.exitCode = await runInteractively(argv);
}
