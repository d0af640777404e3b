/**
 * One controller at a time. A lease is a file that names the process that holds it; a lease whose
 * process is gone, or of an earlier boot, is taken over.
 *
 * Each taking makes a file of its own, `NAME.1`, `NAME.2`, …, and the highest number holds. Making
 * `NAME.n+1` succeeds for one process only, so of many that find `NAME.n` left behind one wins, and
 * none can remove what another has just made. A lease given back stays as a file that says so: were
 * it gone, the count would begin again and two could win by different numbers.
 */
import { randomBytes } from 'node:crypto';
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { Clock } from '../clock.ts';
import { OperationError } from '../operation-error.ts';
import { inThisWorld, isAlive, type ProcessIdentity, thisProcess } from './process-identity.ts';

/** What a lease file says. */
export interface LeaseHolder extends ProcessIdentity {
  /** Wall-clock time, ms since 1970. */
  readonly sinceMs: number;
  /** Given back; nobody holds it. */
  readonly isReleased?: boolean;
}

/** A lease that this process holds. */
export interface Lease {
  readonly holder: LeaseHolder;
  /** Whose it was, where a process had ended without giving it back; a sentence. */
  readonly note?: string;
  /** Gives it back. Again, it does nothing. */
  release(): void;
}

/**
 * Takes the lease of a name.
 *
 * @param path Where the lease's files are, without their number; the folder is made.
 * @param what What is leased, for messages.
 * @throws OperationError `ERR_LEASE` naming the process that holds it and since when.
 */
export function takeLease(path: string, what: string, clock: Clock): Lease {
  try {
    return take(path, what, clock);
  } catch (error) {
    if (error instanceof OperationError || (error as NodeJS.ErrnoException).code === undefined) {
      throw error;
    }
    const message = `${path}: the lease of ${what} cannot be taken: ${(error as Error).message}`;
    throw new OperationError('ERR_LEASE', hostname(), message, { cause: error });
  }
}

function take(path: string, what: string, clock: Clock): Lease {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  for (;;) {
    const last = generationsOf(path).at(-1) ?? 0;
    const before = last === 0 ? undefined : readHolder(`${path}.${last}`);
    // Removed since: someone has taken a later one.
    if (before === 'gone') continue;
    if (before !== undefined) refuseIfHeld(before, `${path}.${last}`, what);
    const holder: LeaseHolder = { ...thisProcess(), sinceMs: clock.wallMs() };
    const file = `${path}.${last + 1}`;
    if (!createWhole(file, holder)) continue;
    const generations = generationsOf(path);
    if (generations.at(-1) !== last + 1) {
      // The list was old: others have come and gone, and a later one holds.
      rmSync(file, { force: true });
      continue;
    }
    for (const old of generations.slice(0, -1)) rmSync(`${path}.${old}`, { force: true });
    const note = before === undefined ? undefined : takenOver(before);
    return {
      holder,
      ...(note === undefined ? {} : { note }),
      release: () => release(file, holder),
    };
  }
}

/** Who holds a lease now; `undefined` for nobody. For viewers: the answer may be old at once. */
export function leaseHolder(path: string): LeaseHolder | undefined {
  const last = generationsOf(path).at(-1);
  if (last === undefined) return undefined;
  const holder = readHolder(`${path}.${last}`);
  if (holder === 'gone') return leaseHolder(path);
  const isHeld = holder.isReleased !== true && (!inThisWorld(holder) || isAlive(holder));
  return isHeld ? holder : undefined;
}

function refuseIfHeld(holder: LeaseHolder, file: string, what: string): void {
  if (holder.isReleased === true) return;
  const who = `process ${holder.pid} on ${holder.host}, since ${new Date(holder.sinceMs).toISOString()}`;
  if (!inThisWorld(holder)) {
    throw new OperationError(
      'ERR_LEASE',
      holder.host,
      `${what} is held by ${who}; whether it still runs cannot be seen from here. ` +
        `If it does not, remove ${file}`,
    );
  }
  if (isAlive(holder)) {
    throw new OperationError('ERR_LEASE', holder.host, `${what} is held by ${who}`);
  }
}

function takenOver({ isReleased, pid, sinceMs }: LeaseHolder): string | undefined {
  if (isReleased === true) return undefined;
  return `process ${pid}, which held this since ${new Date(sinceMs).toISOString()}, ended without giving it back`;
}

/** Numbers of the files of a lease, rising. */
function generationsOf(path: string): number[] {
  const prefix = `${basename(path)}.`;
  let names: string[];
  try {
    names = readdirSync(dirname(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return names
    .flatMap((name) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : []))
    .filter((number) => /^[1-9]\d{0,14}$/.test(number))
    .map(Number)
    .sort((a, b) => a - b);
}

/** Makes the file with all that is in it, at once. @returns `false` when there is one already. */
function createWhole(file: string, holder: LeaseHolder): boolean {
  const draft = writeDraft(file, holder);
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function writeDraft(file: string, holder: LeaseHolder): string {
  const draft = join(dirname(file), `.${basename(file)}-${randomBytes(6).toString('hex')}`);
  try {
    writeFileSync(draft, `${JSON.stringify(holder)}\n`, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
  return draft;
}

/** @returns `gone` when there is no such file. */
function readHolder(file: string): LeaseHolder | 'gone' {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'gone';
    throw error;
  }
  try {
    const holder = JSON.parse(text) as LeaseHolder | null;
    const isHolder = Number.isSafeInteger(holder?.pid) && Number.isFinite(holder?.sinceMs);
    if (holder !== null && isHolder) return holder;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new OperationError(
    'ERR_LEASE',
    hostname(),
    `${file} is no lease; if no controller runs, remove it`,
  );
}

function release(file: string, holder: LeaseHolder): void {
  const now = readHolder(file);
  // Taken from us by hand: it is not ours to give back.
  if (now === 'gone' || now.pid !== holder.pid || now.sinceMs !== holder.sinceMs) return;
  try {
    renameSync(writeDraft(file, { ...holder, isReleased: true }), file);
  } catch (error) {
    // On a full disk it stays as it is, and ends with this process all the same.
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
  }
}
