/** Tests on real libvirt hosts of a testbed on this machine, where it can have one. */
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, describe } from 'vitest';
import { defaultCacheDirectory, testbedLacks, thisMachine } from '../../deploy/testbed/index.ts';

/** Why no hosts can be started here; empty where they can. */
const lacks = testbedLacks(thisMachine(), true).things;

const program = resolve(import.meta.dirname, '../../dist/scripts/wattwin.js');

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A `wattwin` process under way. */
export interface Running {
  readonly pid: number;
  /** What it has printed so far on both outputs. */
  said(): string;
  /** Until it has printed something that fits. @throws Error after `limitMs`, or when it ends before. */
  until(pattern: RegExp, limitMs?: number): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  readonly done: Promise<Outcome>;
}

/** Starts the built command as users have it. */
export function start(...args: readonly string[]): Running {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  let hasEnded = false;
  child.stdout.on('data', (chunk) => {
    stdout += String(chunk);
  });
  child.stderr.on('data', (chunk) => {
    stderr += String(chunk);
  });
  const done = new Promise<Outcome>((settle, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      hasEnded = true;
      settle({ code, stdout, stderr });
    });
  });
  const said = (): string => `${stdout}\n${stderr}`;
  return {
    pid: child.pid!,
    said,
    async until(pattern, limitMs = 60_000) {
      const endMs = performance.now() + limitMs;
      while (!pattern.test(said())) {
        if (hasEnded || performance.now() > endMs) {
          throw new Error(`${pattern} did not come from wattwin ${args.join(' ')}:\n${said()}`);
        }
        await new Promise((wake) => setTimeout(wake, 50));
      }
    },
    kill: (signal) => child.kill(signal),
    done,
  };
}

/** Runs it to its end. @throws Error when it does not end with 0. */
export async function wattwin(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await start(...args).done;
  if (code !== 0)
    throw new Error(`wattwin ${args.join(' ')} ended with ${code}:\n${stdout}${stderr}`);
  return stdout;
}

export interface RealHosts {
  readonly name: string;
  readonly directory: string;
  readonly clusterFile: string;
  readonly sshConfig: string;
  /** `wattwin testbed VERB … --name NAME`. */
  testbed(verb: string, ...args: readonly string[]): Promise<string>;
  /** A command on a host, as one line for its shell. */
  ssh(host: string, command: string): Promise<string>;
}

/**
 * Tests on a testbed of their own, which is made before them and gone after them. Where this machine
 * cannot have one they are skipped, and say so loudly.
 */
export function describeOnRealHosts(
  title: string,
  up: readonly string[],
  tests: (hosts: RealHosts) => void,
): void {
  if (lacks.length > 0) {
    process.stderr.write(
      `\nNOT TESTED ON REAL HOSTS: ${title}. This machine lacks: ${lacks.join(', ')}\n\n`,
    );
    describe.skip(title, () => tests({} as RealHosts));
    return;
  }
  describe(title, () => {
    const name = `e2e-${process.pid % 100_000}`;
    const directory = `/run/wattwin/testbed/${name}`;
    const testbed = (verb: string, ...args: readonly string[]): Promise<string> =>
      wattwin('testbed', verb, '--name', name, ...args);
    beforeAll(async () => {
      await testbed('up', ...up, '--cache', defaultCacheDirectory());
    });
    afterAll(async () => {
      await testbed('down');
    });
    tests({
      name,
      directory,
      clusterFile: `${directory}/cluster.yaml`,
      sshConfig: `${directory}/ssh_config`,
      testbed,
      ssh: (host, command) => testbed('ssh', host, '--', command),
    });
  });
}
