/**
 * One file over HTTP: resumed where it broke off, checked before it gets its name.
 *
 * Bytes go to `<path>.part`; a later call continues there with a range request, guarded by the
 * server's validator (`<path>.part.tag`), or starts over when the server sends the whole file.
 * Only a file of the right size and SHA-256 is renamed to `path`.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  existsSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { pipeline } from 'node:stream/promises';

export type FetchErrorCode =
  | 'ERR_FETCH_NETWORK'
  | 'ERR_FETCH_STATUS'
  | 'ERR_FETCH_SIZE'
  | 'ERR_FETCH_HASH';

/** The world failed: the server, the network, or what they delivered. */
export class FetchError extends Error {
  override readonly name = 'FetchError';
  readonly code: FetchErrorCode;

  constructor(code: FetchErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

export interface DownloadOptions {
  /** What the file must be; unchecked when absent. */
  readonly sizeBytes?: number;
  readonly sha256?: string;
  /** Called after every piece; `totalBytes` is undefined while the server has not told. */
  readonly onProgress?: (receivedBytes: number, totalBytes: number | undefined) => void;
  readonly signal?: AbortSignal;
  /** Connections tried when one breaks off, default 3; each continues where the last ended. */
  readonly attempts?: number;
  /** A connection without any byte for so long is broken, ms; default 60,000. */
  readonly stallMs?: number;
}

/**
 * Downloads `url` to `path`.
 *
 * @returns The file's SHA-256, lower-case hex.
 * @throws FetchError with the code of what failed. A broken connection keeps the `.part` file; a
 *   wrong size or hash deletes it.
 * @throws The signal's reason when aborted; the `.part` file stays.
 */
export async function download(
  url: string,
  path: string,
  options: DownloadOptions = {},
): Promise<string> {
  const part = `${path}.part`;
  const attempts = options.attempts ?? 3;
  for (let attempt = 1; ; attempt++) {
    try {
      await receive(url, part, options);
      break;
    } catch (error) {
      options.signal?.throwIfAborted();
      if (error instanceof FetchError) throw error;
      if (attempt < attempts) continue;
      const kept = existsSync(part) ? statSync(part).size : 0;
      const told = `${url}: connection broke off ${attempt} times, ${kept} bytes kept in ${part}`;
      throw new FetchError('ERR_FETCH_NETWORK', told, error);
    }
  }
  const sha256 = await check(part, url, options);
  rmSync(`${part}.tag`, { force: true });
  renameSync(part, path);
  return sha256;
}

/** SHA-256 of a file, lower-case hex. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** One connection: fills `part` to the end, or throws. */
async function receive(url: string, part: string, options: DownloadOptions): Promise<void> {
  const stall = new AbortController();
  const stallMs = options.stallMs ?? 60_000;
  let timer = setTimeout(() => stall.abort(), stallMs);
  const signals = options.signal === undefined ? [] : [options.signal];
  try {
    const offset = resumeOffset(part, options);
    const response = await fetch(url, {
      headers: requestHeaders(part, offset),
      signal: AbortSignal.any([stall.signal, ...signals]),
    });
    const start = await startOf(response, offset, part, url, options);
    if (start === undefined) return;
    const toldBytes = lengthOf(response, start);
    const file = openSync(part, start > 0 ? 'a' : 'w');
    writeFileSync(`${part}.tag`, validatorOf(response));
    let received = start;
    try {
      for await (const piece of response.body ?? []) {
        clearTimeout(timer);
        timer = setTimeout(() => stall.abort(), stallMs);
        writeAll(file, piece);
        received += piece.length;
        options.onProgress?.(received, toldBytes ?? options.sizeBytes);
      }
    } finally {
      closeSync(file);
    }
    if (toldBytes !== undefined && received < toldBytes) {
      throw new Error(`ended after ${received} of ${toldBytes} bytes`);
    }
  } finally {
    clearTimeout(timer);
  }
}

/** Bytes of the `.part` file that may be continued: those whose file can be recognised again. */
function resumeOffset(part: string, options: DownloadOptions): number {
  if (!existsSync(part)) return 0;
  const isGuarded = validator(part) !== '' || options.sha256 !== undefined;
  return isGuarded ? statSync(part).size : 0;
}

function validator(part: string): string {
  return existsSync(`${part}.tag`) ? readFileSync(`${part}.tag`, 'utf8') : '';
}

function requestHeaders(part: string, offset: number): Record<string, string> {
  const identity = { 'accept-encoding': 'identity' };
  if (offset === 0) return identity;
  const tag = validator(part);
  const guard = tag === '' ? {} : { 'if-range': tag };
  return { ...identity, range: `bytes=${offset}-`, ...guard };
}

/** Where the response's bytes belong, or undefined when `part` is already complete. */
async function startOf(
  response: Response,
  offset: number,
  part: string,
  url: string,
  options: DownloadOptions,
): Promise<number | undefined> {
  const range = response.headers.get('content-range') ?? '';
  if (response.status === 200) return 0;
  if (response.status === 206 && range.startsWith(`bytes ${offset}-`)) return offset;
  await response.body?.cancel();
  if (response.status === 416 && offset > 0) {
    const total = Number(/\/(\d+)$/.exec(range)?.[1] ?? options.sizeBytes ?? Number.NaN);
    if (total === offset) return undefined;
    // What lies here is no beginning of what the server has: the next attempt starts over.
    rmSync(part);
    throw new Error(`range from ${offset} refused`);
  }
  const told = `${url}: HTTP ${response.status} ${response.statusText}`.trim();
  throw new FetchError('ERR_FETCH_STATUS', told);
}

/** Size of the whole file as this response tells it. */
function lengthOf(response: Response, start: number): number | undefined {
  const length = response.headers.get('content-length');
  return length === null ? undefined : start + Number(length);
}

/** A strong ETag or the time of change; empty when the server gives none. */
function validatorOf(response: Response): string {
  const tag = response.headers.get('etag');
  if (tag !== null && !tag.startsWith('W/')) return tag;
  return response.headers.get('last-modified') ?? '';
}

function writeAll(file: number, piece: Uint8Array): void {
  let written = 0;
  while (written < piece.length) written += writeSync(file, piece, written);
}

/** Checks size and hash; deletes what is wrong, since it cannot be continued. */
async function check(part: string, url: string, options: DownloadOptions): Promise<string> {
  const size = statSync(part).size;
  const sha256 = await hashFile(part);
  const reject = (code: FetchErrorCode, expected: string, got: string): never => {
    rmSync(part, { force: true });
    rmSync(`${part}.tag`, { force: true });
    throw new FetchError(code, `${url}: expected ${expected}, got ${got}; deleted`);
  };
  if (options.sizeBytes !== undefined && size !== options.sizeBytes) {
    reject('ERR_FETCH_SIZE', `${options.sizeBytes} bytes`, `${size} bytes`);
  }
  if (options.sha256 !== undefined && sha256 !== options.sha256) {
    reject('ERR_FETCH_HASH', `SHA-256 ${options.sha256}`, sha256);
  }
  return sha256;
}
