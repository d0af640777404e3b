/**
 * Hosts that are folders: an `ssh` and a `virsh` of our own, first on PATH for a test. The fake `ssh`
 * runs the script it is given in a real `sh`, with the host's folder in place of /proc and /sys.
 */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { onTestFinished } from 'vitest';

/** Files of a host by absolute path. */
export type HostFiles = Readonly<Record<string, string | Uint8Array>>;

export interface FakeHosts {
  readonly directory: string;
  /** Puts files into a host's tree; makes the host if it is new. */
  put(host: string, files: HostFiles): void;
  /** Takes a file or folder away. */
  remove(host: string, path: string): void;
  /** What `ssh` does for the host instead of running the script: a Node snippet. */
  misbehave(host: string, snippet: string | undefined): void;
  /** What `virsh` prints on the host, and its exit status. */
  virsh(host: string, output: string, status?: number): void;
  /** A program of the host, before all others on its PATH. */
  program(host: string, name: string, text: string): void;
  /** The argument lists that `ssh` was called with, one a line as JSON. */
  readonly log: string;
}

const fakeSsh = `#!${process.execPath}
const { appendFileSync, existsSync } = require('node:fs');
const { join } = require('node:path');
const { spawn } = require('node:child_process');
const base = __dirname;
const args = process.argv.slice(2);
appendFileSync(join(base, 'calls.log'), JSON.stringify(args) + '\\n');
if (args[0] === '-O') process.exit(0);
const host = args[args.indexOf('--') + 1];
const root = join(base, 'hosts', host);
const snippet = join(base, 'snippets', host + '.js');
let script = '';
process.stdin.on('data', (chunk) => (script += chunk));
process.stdin.on('end', () => {
  const run = (then = (output) => process.stdout.write(output)) => {
    const local = script.replace(/(?<![\\w.\\/])\\/(?=(?:proc|sys|etc|run|var\\/run)\\/)/g, root + '/');
    const child = spawn(join(base, 'tools', 'sh'), ['-s'], {
      env: { ...process.env, PATH: join(root, 'bin') + ':' + join(base, 'tools') },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const chunks = [];
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.on('close', (code) => {
      const text = Buffer.concat(chunks).toString('latin1').replaceAll(root + '/', '/');
      then(Buffer.from(text, 'latin1'));
      process.exitCode = code;
    });
    child.stdin.end(local);
  };
  if (existsSync(snippet)) require(snippet)(run);
  else if (!existsSync(root)) {
    process.stderr.write('ssh: Could not resolve hostname ' + host + ': Name or service not known\\n');
    process.exit(255);
  } else run();
});
`;

const tools = 'sh cat date echo getconf grep head id sed sleep stat timeout true uname'.split(' ');

/** The hosts of one test; gone with their `ssh` when it ends. */
export function fakeHosts(): FakeHosts {
  const directory = mkdtempSync(join(tmpdir(), 'wattwin-ssh-'));
  const pathBefore = process.env['PATH'];
  process.env['PATH'] = `${directory}:${pathBefore}`;
  onTestFinished(() => {
    process.env['PATH'] = pathBefore;
    rmSync(directory, { recursive: true, force: true });
  });
  const program = (path: string, text: string): void => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    chmodSync(path, 0o755);
  };
  program(join(directory, 'ssh'), fakeSsh);
  mkdirSync(join(directory, 'snippets'));
  // The tools of a host, without whatever else this machine has (a virsh, say).
  mkdirSync(join(directory, 'tools'));
  for (const tool of tools) {
    const [found] = ['/usr/bin', '/bin'].map((bin) => join(bin, tool)).filter(existsSync);
    if (found !== undefined) symlinkSync(found, join(directory, 'tools', tool));
  }
  const rootOf = (host: string): string => join(directory, 'hosts', host);
  return {
    directory,
    log: join(directory, 'calls.log'),
    put(host, files) {
      mkdirSync(rootOf(host), { recursive: true });
      for (const [path, content] of Object.entries(files)) {
        const target = join(rootOf(host), path);
        mkdirSync(dirname(target), { recursive: true });
        writeFileSync(target, content);
      }
    },
    remove: (host, path) => rmSync(join(rootOf(host), path), { recursive: true, force: true }),
    misbehave(host, snippet) {
      const path = join(directory, 'snippets', `${host}.js`);
      if (snippet === undefined) rmSync(path, { force: true });
      else writeFileSync(path, `module.exports = (run) => {\n${snippet}\n};\n`);
    },
    program: (host, name, text) => program(join(rootOf(host), 'bin', name), text),
    virsh(host, output, status = 0) {
      const root = rootOf(host);
      mkdirSync(root, { recursive: true });
      writeFileSync(join(root, 'virsh.out'), output);
      program(
        join(root, 'bin', 'virsh'),
        `#!/bin/sh\necho "$*" >>'${root}/virsh.log'\ncat '${root}/virsh.out'\nexit ${status}\n`,
      );
    },
  };
}
