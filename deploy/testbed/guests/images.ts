/**
 * Images of the guests: an uncompressed kernel and two initial file systems, with and without Redis.
 *
 * They are built once per user and kept in a directory that is named by a checksum of what they are made
 * from: agent, init script, busybox and this recipe. A half-built directory has another name, so one that
 * is there is whole. The packages' versions are not in the checksum, for they change while nobody needs
 * new images; `manifest.json` says which they were.
 */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { packageRoot } from '../package-root.ts';
import { findProgram, thisMachine } from '../prerequisites.ts';
import type { Programs } from '../programs.ts';
import { TestbedError } from '../testbed-error.ts';
import { type CpioEntry, cpioArchive } from './cpio.ts';
import { guestInit, guestModules } from './init-script.ts';
import { isUnpackedKernel, kernelPayload } from './kernel.ts';
import { downloadPackages, kernelPackage, type PackageFile, redisPackages } from './packages.ts';

/** Raised when the same inputs would give other images. */
const recipeVersion = 1;

/** Names of the files in an image directory. */
export const imageFiles = {
  kernel: 'vmlinux',
  plain: 'initrd.img',
  redis: 'initrd-redis.img',
  manifest: 'manifest.json',
} as const;

export interface GuestImages {
  readonly directory: string;
  /** Whether they were built just now. */
  readonly isNew: boolean;
}

export interface ImageOptions {
  /** Default `$XDG_CACHE_HOME/wattwin/testbed`, or the same in `~/.cache`. */
  readonly cacheDirectory?: string | undefined;
  /** Builds them again, with the packages of today. */
  readonly refresh?: boolean;
  readonly programs: Programs;
  readonly signal?: AbortSignal | undefined;
  /** Called with a line on each step. */
  readonly say: (line: string) => void;
}

/** Where images are kept unless the caller says otherwise. */
export function defaultCacheDirectory(): string {
  const base = process.env['XDG_CACHE_HOME'];
  // The specification of XDG_CACHE_HOME: a relative path is to be ignored.
  const home = base?.startsWith('/') === true ? base : join(homedir(), '.cache');
  return join(home, 'wattwin', 'testbed');
}

/** Whether `guestImages` would find them built. */
export function hasImages(cacheDirectory = defaultCacheDirectory()): boolean {
  const busybox = findProgram(thisMachine(), 'busybox');
  return busybox !== undefined && existsSync(directoryOf(cacheDirectory, busybox));
}

/**
 * The images, built if they are not there.
 *
 * @throws TestbedError when a package cannot be had or a step of the recipe fails.
 */
export async function guestImages(options: ImageOptions): Promise<GuestImages> {
  const { refresh = false, say } = options;
  const cacheDirectory = resolve(options.cacheDirectory ?? defaultCacheDirectory());
  const busybox = findProgram(thisMachine(), 'busybox');
  if (busybox === undefined) throw new TestbedError('ERR_IMAGES', 'there is no busybox');
  const directory = directoryOf(cacheDirectory, busybox);
  if (!refresh && existsSync(directory)) return { directory, isNew: false };
  mkdirSync(cacheDirectory, { recursive: true });
  const work = mkdtempSync(join(cacheDirectory, `building-${process.pid}-`));
  try {
    await build(work, cacheDirectory, busybox, options);
    put(join(work, 'images'), directory, refresh);
  } finally {
    rmSync(work, { recursive: true, force: true });
    removeAbandoned(cacheDirectory);
  }
  say(`guest images are in ${directory}`);
  return { directory, isNew: true };
}

function directoryOf(cacheDirectory: string, busybox: string): string {
  const hash = createHash('sha256').update(`${recipeVersion}\0${guestInit}\0${guestModules}\0`);
  for (const path of [agentSource(), busybox]) hash.update(readFileSync(path));
  return join(cacheDirectory, `images-${hash.digest('hex').slice(0, 16)}`);
}

const agentSource = (): string => join(packageRoot(), 'deploy/testbed/guests/agent.c');

/** Moves the finished directory to its place; when another process was faster, its images serve. */
function put(from: string, to: string, replace: boolean): void {
  if (replace) rmSync(to, { recursive: true, force: true });
  try {
    renameSync(from, to);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  }
}

/** What builds left that were killed: directories named by a process that is gone. */
function removeAbandoned(cacheDirectory: string): void {
  for (const name of readdirSync(cacheDirectory)) {
    const [, pid] = /^building-(\d+)-/.exec(name) ?? [];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    rmSync(join(cacheDirectory, name), { recursive: true, force: true });
  }
}

async function build(
  work: string,
  cacheDirectory: string,
  busybox: string,
  { programs, say, signal }: ImageOptions,
): Promise<void> {
  const packages = join(cacheDirectory, 'packages');
  say('guest images: packages');
  const kernelName = await kernelPackage(programs, signal);
  const files = await downloadPackages([kernelName, ...redisPackages], packages, programs, signal);
  const trees = { kernel: join(work, 'kernel'), redis: join(work, 'redis') };
  for (const { name, path } of files) {
    const tree = name === kernelName ? trees.kernel : trees.redis;
    await programs.run(['dpkg-deb', '-x', path, tree], { signal, timeoutMs: 120_000 });
  }
  const out = join(work, 'images');
  mkdirSync(out);
  say('guest images: kernel');
  await writeKernel(trees.kernel, work, join(out, imageFiles.kernel), programs);
  say('guest images: agent and initial file systems');
  const agent = join(work, 'agent');
  const flags = ['-O2', '-static', '-s', '-pthread', agentSource(), '-o', agent, '-lm'];
  await programs.run(['gcc', ...flags], { signal, timeoutMs: 120_000, code: 'ERR_IMAGES' });
  const plain = plainEntries(busybox, agent, trees.kernel);
  const redis = [...plain, ...(await redisEntries(trees.redis, programs))];
  writeFileSync(join(out, imageFiles.plain), cpioArchive(plain));
  writeFileSync(join(out, imageFiles.redis), cpioArchive(redis));
  writeFileSync(join(out, imageFiles.manifest), manifestText(files, out));
}

async function writeKernel(
  tree: string,
  work: string,
  target: string,
  programs: Programs,
): Promise<void> {
  const boot = join(tree, 'boot');
  const name = readdirSync(boot).find((one) => one.startsWith('vmlinuz-'));
  if (name === undefined) throw new TestbedError('ERR_IMAGES', `no kernel in ${boot}`);
  const vmlinuz = readFileSync(join(boot, name));
  const payload = kernelPayload(vmlinuz);
  if (payload === undefined) {
    // Boots as well, only slower.
    writeFileSync(target, vmlinuz);
    return;
  }
  const packed = join(work, 'vmlinux.lz4');
  writeFileSync(packed, payload.lz4);
  await programs.run(['lz4', '-d', '-q', '-f', packed, target], { code: 'ERR_IMAGES' });
  if (!isUnpackedKernel(readFileSync(target), payload)) {
    throw new TestbedError('ERR_IMAGES', 'what came out of the kernel is no kernel');
  }
}

const file = (path: string, from: string, mode = 0o755): CpioEntry => ({
  path,
  kind: 'file',
  content: readFileSync(from),
  mode,
});

function plainEntries(busybox: string, agent: string, kernelTree: string): CpioEntry[] {
  const [release] = readdirSync(join(kernelTree, 'lib/modules'));
  const modules = join(kernelTree, 'lib/modules', release ?? '', 'kernel');
  const directories = ['proc', 'sys', 'dev', 'tmp', 'run', 'etc', 'root'];
  return [
    ...directories.map((path): CpioEntry => ({ path, kind: 'directory' })),
    // The kernel opens it for init before anything is mounted.
    { path: 'dev/console', kind: 'character device', major: 5, minor: 1 },
    { path: 'init', kind: 'file', content: Buffer.from(guestInit), mode: 0o755 },
    file('bin/busybox', busybox),
    file('bin/agent', agent),
    ...guestModules.flatMap((path) => moduleEntries(join(modules, path))),
  ];
}

/** A module's file; nothing when it is built into the kernel. */
function moduleEntries(path: string): CpioEntry[] {
  if (existsSync(`${path}.ko`)) {
    return [file(`modules/${path.split('/').at(-1)}.ko`, `${path}.ko`, 0o644)];
  }
  const packed = ['.xz', '.zst', '.gz'].find((suffix) => existsSync(`${path}.ko${suffix}`));
  if (packed === undefined) return [];
  throw new TestbedError('ERR_IMAGES', `the kernel's modules are compressed: ${path}.ko${packed}`);
}

/** Redis with the libraries it asks for, its own first, the others this machine's. */
async function redisEntries(tree: string, programs: Programs): Promise<CpioEntry[]> {
  const server = realpathSync(join(tree, 'usr/bin/redis-server'));
  const own = join(tree, 'usr/lib/x86_64-linux-gnu');
  const text = await programs.run(['env', `LD_LIBRARY_PATH=${own}`, 'ldd', server]);
  return [file('bin/redis-server', server), ...readLdd(text).map(({ to, from }) => file(to, from))];
}

/**
 * What `ldd` found: libraries go to /lib, the loader to where the program says it is.
 *
 * @throws TestbedError naming libraries that are missing.
 */
export function readLdd(text: string): { readonly to: string; readonly from: string }[] {
  const missing = [...text.matchAll(/^\s*(\S+) => not found$/gm)].map(([, name]) => name);
  if (missing.length > 0) {
    throw new TestbedError('ERR_IMAGES', `Redis needs ${missing.join(', ')}, not found here`);
  }
  const libraries = [...text.matchAll(/^\s*(\S+) => (\/\S+) \(/gm)];
  const loaders = [...text.matchAll(/^\s*(\/\S+) \(/gm)];
  return [
    ...libraries.map(([, name, path]) => ({ to: `lib/${name!}`, from: path! })),
    ...loaders.map(([, path]) => ({ to: path!.slice(1), from: path! })),
  ];
}

function manifestText(packages: readonly PackageFile[], directory: string): string {
  const sizes = readdirSync(directory).map((name) => [name, statSync(join(directory, name)).size]);
  const manifest = {
    recipeVersion,
    packages: packages.map(({ name, path, sha256 }) => ({
      name,
      file: path.slice(path.lastIndexOf('/') + 1),
      sha256,
    })),
    bytes: Object.fromEntries(sizes),
  };
  return `${JSON.stringify(manifest, null, 2)}\n`;
}
