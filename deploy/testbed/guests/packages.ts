/** Debian packages that the guests are made of: downloaded and unpacked, never installed. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Programs } from '../programs.ts';
import { TestbedError } from '../testbed-error.ts';

/** The kernel's package is the one that this one depends on at present. */
const kernelMetaPackage = 'linux-image-cloud-amd64';
/** With the libraries that few systems have; the others are this machine's own. */
export const redisPackages: readonly string[] = [
  'redis-server',
  'redis-tools',
  'libjemalloc2',
  'liblzf1',
  'libatomic1',
];

export interface PackageFile {
  readonly name: string;
  readonly path: string;
  readonly sha256: string;
}

/** The kernel package of today, such as `linux-image-6.1.0-56-cloud-amd64`. */
export async function kernelPackage(programs: Programs, signal?: AbortSignal): Promise<string> {
  const text = await programs
    .run(['apt-cache', 'depends', kernelMetaPackage], { signal, code: 'ERR_IMAGES' })
    .catch((error: unknown) => {
      throw withHint(error);
    });
  const [, name] = /^\s*Depends: (linux-image-\S+)$/m.exec(text) ?? [];
  if (name !== undefined) return name;
  throw new TestbedError('ERR_IMAGES', `apt knows no kernel by ${kernelMetaPackage}; ${hint}`);
}

const hint = 'its lists may be missing or old: `apt-get update`';

function withHint(error: unknown): unknown {
  if (!(error instanceof TestbedError)) return error;
  return new TestbedError(error.code, `${error.message}\n${hint}`, { cause: error });
}

/**
 * Downloads what is not there yet; a file counts only with the checksum that apt's signed lists give.
 *
 * @param directory Keeps the files; an interrupted download is taken up with those that are whole.
 * @throws TestbedError when a package cannot be had.
 */
export async function downloadPackages(
  names: readonly string[],
  directory: string,
  programs: Programs,
  signal?: AbortSignal,
): Promise<PackageFile[]> {
  mkdirSync(directory, { recursive: true });
  const run = (where: string, args: readonly string[]): Promise<string> =>
    programs
      .run(['env', `--chdir=${where}`, 'apt-get', '-o', 'APT::Sandbox::User=root', ...args], {
        timeoutMs: 600_000,
        signal,
        code: 'ERR_IMAGES',
      })
      .catch((error: unknown) => {
        throw withHint(error);
      });
  // Where it finds the files it names none, so it is asked in a directory without any.
  const empty = mkdtempSync(join(directory, 'empty-'));
  const uris = await run(empty, ['download', '--print-uris', ...names]).finally(() =>
    rmSync(empty, { recursive: true, force: true }),
  );
  const files = readUris(uris).map((file) => ({
    ...file,
    path: join(directory, file.fileName),
  }));
  const missing = files.filter((file) => !isWhole(file.path, file.sha256));
  for (const { path } of missing) rmSync(path, { force: true });
  if (missing.length > 0) {
    await run(directory, ['download', '-q', ...missing.map(({ name }) => name)]);
  }
  for (const { path, sha256, name } of files) {
    if (!isWhole(path, sha256)) {
      throw new TestbedError('ERR_IMAGES', `the download of ${name} is not what apt promised`);
    }
  }
  const found = new Set(files.map(({ name }) => name));
  const absent = names.filter((name) => !found.has(name));
  if (absent.length > 0) throw new TestbedError('ERR_IMAGES', `apt has no ${absent.join(', ')}`);
  return files.map(({ name, path, sha256 }) => ({ name, path, sha256 }));
}

/** Lines `'URI' FILE SIZE SHA256:HEX` of `apt-get download --print-uris`. */
export function readUris(
  text: string,
): { readonly name: string; readonly fileName: string; readonly sha256: string }[] {
  return [...text.matchAll(/^'[^']*' ([^\s/]+) \d+ SHA256:([0-9a-f]{64})$/gm)].map(
    ([, fileName, sha256]) => ({
      name: fileName!.split('_', 1)[0]!,
      fileName: fileName!,
      sha256: sha256!,
    }),
  );
}

const isWhole = (path: string, sha256: string): boolean =>
  existsSync(path) && createHash('sha256').update(readFileSync(path)).digest('hex') === sha256;
