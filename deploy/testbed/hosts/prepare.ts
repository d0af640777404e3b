/** Everything of the hosts that is files: keys, configurations, directories. Made once, by `up`. */
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import type { HostLayout } from '../layout.ts';
import { compiledRoot } from '../package-root.ts';
import type { TestbedPlan } from '../plan.ts';
import type { Programs } from '../programs.ts';
import {
  type HostFile,
  hostFiles,
  type KeyTexts,
  knownHosts,
  overlayFiles,
  ownDirectories,
  sshConfig,
} from './configuration.ts';
import type { CgroupHierarchy } from './control-groups.ts';
import { hardwareConfig, hardwareFiles } from './hardware-files.ts';
import { hostInitScript, overlayDirectory } from './init-script.ts';

/** Mount points that belong to a system's root, should they be file systems of their own. */
const rootParts = ['/usr', '/etc', '/var', '/var/lib', '/opt'];

/** Of this machine's mounts those that make up a host's root, `/` first. */
export function rootMounts(mountInfo: string): string[] {
  const mounted = new Set(mountInfo.split('\n').map((line) => line.split(' ')[4]));
  return ['/', ...rootParts.filter((path) => mounted.has(path))];
}

/** Writes keys, configurations and the hosts' directories into the state directory. */
export async function prepareHosts(
  plan: TestbedPlan,
  imagesDirectory: string,
  hierarchies: readonly CgroupHierarchy[],
  programs: Programs,
): Promise<void> {
  const { layout, hosts } = plan;
  mkdirSync(layout.keysDirectory, { mode: 0o700 });
  mkdirSync(layout.sharedDirectory);
  const client = join(layout.keysDirectory, 'client_ed25519');
  await Promise.all([
    makeKey(client, 'testbed', programs),
    ...hosts.map(({ key, name }) => makeKey(key, name, programs)),
  ]);
  const known = knownHosts(
    hosts.map((host) => ({ host, publicKey: readFileSync(`${host.key}.pub`, 'utf8') })),
  );
  writeFileSync(layout.knownHosts, known);
  writeFileSync(layout.sshConfig, sshConfig(layout, hosts, client));
  const parts = rootMounts(readFileSync('/proc/self/mountinfo', 'utf8'));
  const packageDirectory = compiledRoot();
  for (const host of hosts) {
    const keys = {
      client: readFileSync(client, 'utf8'),
      clientPublic: readFileSync(`${client}.pub`, 'utf8'),
      host: readFileSync(host.key, 'utf8'),
      knownHosts: known,
    };
    writeHost(plan, host, keys, parts);
    const init = hostInitScript({
      host,
      hierarchies,
      rootMounts: parts,
      ownDirectories: ownDirectories.map((path) => [path, join(host.own, path)]),
      imagesDirectory,
      sharedDirectory: layout.sharedDirectory,
      packageDirectory,
      node: process.execPath,
    });
    writeFileSync(host.initScript, init, { mode: 0o700 });
  }
}

async function makeKey(path: string, comment: string, programs: Programs): Promise<void> {
  await programs.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', comment, '-f', path]);
}

function writeHost(
  plan: TestbedPlan,
  host: HostLayout,
  keys: KeyTexts,
  parts: readonly string[],
): void {
  mkdirSync(host.root, { recursive: true });
  for (const path of ownDirectories) mkdirSync(join(host.own, path), { recursive: true });
  for (const path of ['/root', '/root/.ssh']) {
    mkdirSync(join(host.own, path), { recursive: true });
    chmodSync(join(host.own, path), 0o700);
  }
  for (const file of hostFiles(host, keys)) writeHostFile(host.own, file);
  mkdirSync(host.hardware);
  const config = hardwareConfig(plan, availableParallelism());
  writeFileSync(join(host.hardware, hardwareFiles.config), `${JSON.stringify(config, null, 2)}\n`);
  parts.forEach((_, index) => {
    mkdirSync(join(overlayDirectory(host, index), 'upper'), { recursive: true });
    mkdirSync(join(overlayDirectory(host, index), 'work'));
  });
  const accounts = {
    passwd: readFileSync('/etc/passwd', 'utf8'),
    group: readFileSync('/etc/group', 'utf8'),
  };
  for (const file of overlayFiles(plan, host, accounts)) {
    // The innermost mount that holds the path.
    const part = parts.findLastIndex((path) => file.path.startsWith(path));
    const upper = join(overlayDirectory(host, part), 'upper');
    const path = parts[part] === '/' ? file.path : file.path.slice(parts[part]!.length);
    mirrorDirectories(upper, dirname(path), parts[part]!);
    writeHostFile(upper, { ...file, path });
  }
}

/** A directory in the upper layer gives its mode to the merged one: it must be the lower one's. */
function mirrorDirectories(upper: string, path: string, lower: string): void {
  if (path === '/') return;
  mirrorDirectories(upper, dirname(path), lower);
  mkdirSync(join(upper, path), { recursive: true });
  const { mode } = statSync(join(lower, path), { throwIfNoEntry: false }) ?? { mode: 0o755 };
  chmodSync(join(upper, path), mode & 0o7777);
}

function writeHostFile(below: string, { path, content, mode = 0o644 }: HostFile): void {
  const target = join(below, path);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, content);
  chmodSync(target, mode);
}
