/**
 * Many small files in one go: `grep -aHs '' FILE…` prints each line as `PATH:LINE`. One process reads
 * a whole tree of sysfs files, and leaves out what is missing or may not be read.
 */

/** Shell commands that list the files; the patterns are ours and may hold `*`. */
export function listFiles(...patterns: readonly string[]): string {
  return `grep -aHs '' ${patterns.join(' ')}; :`;
}

/** Lines by path, in the order printed. */
export type Listing = ReadonlyMap<string, readonly string[]>;

/**
 * Reads such a listing. A path may hold colons (`intel-rapl:0`), so a line is cut behind the first
 * `/LEAF:` with a leaf that was asked for.
 *
 * @param leaves Patterns of the last part of the paths, e.g. `temp\\d+_input`.
 */
export function readListing(text: string, leaves: readonly string[]): Listing {
  const pattern = new RegExp(`^(/.*?/(?:${leaves.join('|')})):(.*)$`);
  const listing = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [, path, content] = pattern.exec(line) ?? [];
    if (path === undefined || content === undefined) continue;
    const lines = listing.get(path);
    if (lines === undefined) listing.set(path, [content]);
    else lines.push(content);
  }
  return listing;
}

/** One directory's files of a listing: their first lines by name. */
export interface Folder {
  /** Its path without the last slash. */
  readonly path: string;
  /** Its own name. */
  readonly name: string;
  readonly files: ReadonlyMap<string, readonly string[]>;
}

/** The listing by directory, in order of first appearance. */
export function foldersOf(listing: Listing): Folder[] {
  const folders = new Map<string, Map<string, readonly string[]>>();
  for (const [path, lines] of listing) {
    const cut = path.lastIndexOf('/');
    const files = folders.get(path.slice(0, cut)) ?? new Map<string, readonly string[]>();
    files.set(path.slice(cut + 1), lines);
    folders.set(path.slice(0, cut), files);
  }
  return [...folders].map(([path, files]) => ({
    path,
    name: path.slice(path.lastIndexOf('/') + 1),
    files,
  }));
}

/** The first line of a file, trimmed; `undefined` when it is missing or empty. */
export function lineOf(folder: Folder, file: string): string | undefined {
  const text = folder.files.get(file)?.[0]?.trim();
  return text === '' ? undefined : text;
}

/** The whole number from 0 up in a file, or `undefined`. */
export function countOf(folder: Folder, file: string): number | undefined {
  return count(lineOf(folder, file));
}

/**
 * A counter as the kernel prints it. Values from 2^53 up lose at most one part in 2^53; the greatest of
 * 64 bits is the kernel's and libvirt's word for "not known".
 */
export function count(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,20}$/.test(text)) return undefined;
  return text === '18446744073709551615' ? undefined : Number(text);
}

/** A number with a sign, or `undefined`. */
export function integer(text: string | undefined): number | undefined {
  return text !== undefined && /^-?\d{1,19}$/.test(text) ? Number(text) : undefined;
}

/** More than Linux can have; a host that lists more is not believed. */
const cpusMax = 100_000;

/** `0-3,8` → [0, 1, 2, 3, 8]; also with blanks between; `undefined` when it is no such list. */
export function cpuList(text: string | undefined): number[] | undefined {
  if (text === undefined) return undefined;
  const cpus: number[] = [];
  for (const part of text.trim().split(/[\s,]+/)) {
    const match = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(part);
    if (match === null) return undefined;
    const [first, last] = [Number(match[1]), Number(match[2] ?? match[1])];
    if (last < first || cpus.length + last - first >= cpusMax) return undefined;
    for (let cpu = first; cpu <= last; cpu++) cpus.push(cpu);
  }
  return cpus;
}
