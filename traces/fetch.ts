/**
 * Downloads of public traces: where they are, what they must be, under which terms.
 *
 * An archive whose SHA-256 nobody has published is pinned: the first download writes
 * `<archive>.sha256` beside it, and every later one must match.
 */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inputError } from '../sim/index.ts';
import { type ArchiveKind, unpack } from './archive.ts';
import { type DownloadOptions, download, FetchError, hashFile } from './download.ts';

/** A trace that can be downloaded. */
export interface TraceSource {
  readonly url: string;
  readonly archive: ArchiveKind;
  /** Bytes of the archive, where they are known. */
  readonly sizeBytes?: number;
  /** Where known: published by independent users of the archive, see `docs/traces.md`. */
  readonly sha256?: string;
  /** Terms and whom to cite. */
  readonly terms: string;
}

const bitbrainsTerms =
  'GWA-T-12, Bitbrains: free to use; acknowledge Bitbrains IT Services Inc. and the Grid ' +
  'Workloads Archive, cite Shen, van Beek & Iosup, CCGrid 2015.';

/** The traces that can be downloaded. */
export const traceCatalogue = {
  planetlab: {
    url: 'https://codeload.github.com/beloglazov/planetlab-workload-traces/tar.gz/refs/heads/master',
    archive: 'tar.gz',
    terms:
      'PlanetLab CPU traces of the CoMon project; cite Park & Pai, ACM SIGOPS OSR 40(1), 2006.',
  },
  'bitbrains-rnd': {
    url: 'https://atlarge-research.com/gwa-traces/gwa_t_12_rnd.zip',
    archive: 'zip',
    sha256: 'd3d9ddebb689c0b5463f2e4cfd8956e84bdcdf138b4476320855393e2b229a06',
    terms: bitbrainsTerms,
  },
  'bitbrains-faststorage': {
    url: 'https://atlarge-research.com/gwa-traces/gwa_t_12_fastStorage.zip',
    archive: 'zip',
    sha256: '11313f528a0cbcbe57e63162f8ae5a41a9c7e7c1a79872e294ff3c5bbaa2e671',
    terms: bitbrainsTerms,
  },
} as const satisfies Record<string, TraceSource>;

export type TraceSourceName = keyof typeof traceCatalogue;

export type FetchOptions = Pick<DownloadOptions, 'onProgress' | 'signal' | 'attempts' | 'stallMs'>;

export interface FetchedTrace {
  /** Directory of the unpacked trace. */
  readonly directory: string;
  /** The archive, kept so that its hash can be checked again. */
  readonly archive: string;
  readonly sha256: string;
  /** True when this download set the hash because none was known. */
  readonly isPinned: boolean;
}

/**
 * Downloads and unpacks a trace into `<directory>/<name>`. What is there already is kept: a whole
 * archive is not downloaded again, an unpacked directory not unpacked again.
 *
 * @param source Default: the catalogue's entry; another one for mirrors.
 * @throws FetchError when the download fails or is not the expected file.
 * @throws InputError when the archive cannot be unpacked or a `.sha256` file is not one.
 */
export async function fetchTrace(
  name: string,
  directory: string,
  options: FetchOptions = {},
  source: TraceSource | undefined = sourceOf(name),
): Promise<FetchedTrace> {
  if (source === undefined) {
    throw inputError('trace', Object.keys(traceCatalogue).join(', '), name);
  }
  mkdirSync(directory, { recursive: true });
  const archive = join(directory, `${name}.${source.archive}`);
  const lock = `${archive}.sha256`;
  const expected = source.sha256 ?? (existsSync(lock) ? readLock(lock) : undefined);
  const sha256 = await ensureArchive(archive, source, expected, options);
  if (expected === undefined) writeFileSync(lock, `${sha256}  ${name}.${source.archive}\n`);
  const target = join(directory, name);
  if (!existsSync(target)) unpack(archive, source.archive, target);
  return { directory: target, archive, sha256, isPinned: expected === undefined };
}

function sourceOf(name: string): TraceSource | undefined {
  return Object.entries(traceCatalogue).find(([known]) => known === name)?.[1];
}

/** The archive at its place with the expected hash: the one that is there, or a new one. */
async function ensureArchive(
  archive: string,
  source: TraceSource,
  expected: string | undefined,
  options: FetchOptions,
): Promise<string> {
  const sizeBytes = source.sizeBytes === undefined ? {} : { sizeBytes: source.sizeBytes };
  const wanted = expected === undefined ? {} : { sha256: expected };
  if (!existsSync(archive)) {
    return await download(source.url, archive, { ...options, ...sizeBytes, ...wanted });
  }
  const sha256 = await hashFile(archive);
  if (sha256 === (expected ?? sha256)) return sha256;
  const size = statSync(archive).size;
  const told = `${archive}: expected SHA-256 ${expected}, got ${sha256} (${size} bytes); delete it`;
  throw new FetchError('ERR_FETCH_HASH', told);
}

/** The hash in a file of `sha256sum`'s form. */
function readLock(lock: string): string {
  const text = readFileSync(lock, 'utf8');
  const hash = /^([0-9a-f]{64})\s/.exec(text)?.[1];
  if (hash === undefined) throw inputError(lock, '64 hex digits and a name', text.slice(0, 60));
  return hash;
}
