import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { download, FetchError } from '../../traces/download.ts';
import { fetchTrace, type TraceSource, traceCatalogue } from '../../traces/fetch.ts';
import { detectFormat } from '../../traces/read.ts';
import { tarOf } from './archives.ts';
import { directoryWith } from './temporary-directory.ts';

const content = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 251));
const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const sha256 = sha256Of(content);

/** A server on this machine that remembers the ranges asked for. */
async function serve(
  answer: (request: IncomingMessage, response: ServerResponse, call: number) => void,
): Promise<{ url: string; ranges: (string | undefined)[] }> {
  const ranges: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    ranges.push(request.headers.range);
    answer(request, response, ranges.length);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { url: `http://127.0.0.1:${address.port}/file`, ranges };
}

/** Sends `bytes` as a server with range support does, and breaks off after `breakAfter` bytes. */
function send(
  bytes: Uint8Array,
  request: IncomingMessage,
  response: ServerResponse,
  { breakAfter = Number.POSITIVE_INFINITY, tag = '"one"' } = {},
): void {
  const guard = request.headers['if-range'];
  const isResumed = request.headers.range !== undefined && (guard === undefined || guard === tag);
  const from = isResumed ? Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1]) : 0;
  if (isResumed && from >= bytes.length) {
    response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
    return;
  }
  response.writeHead(isResumed ? 206 : 200, {
    etag: tag,
    'content-length': bytes.length - from,
    ...(isResumed ? { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {}),
  });
  if (breakAfter >= bytes.length - from) response.end(bytes.subarray(from));
  else response.write(bytes.subarray(from, from + breakAfter), () => response.destroy());
}

/** The code of the FetchError that `promise` ends with. */
async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => expect.fail('no error'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof FetchError)) throw error;
  return error.code;
}

describe('a download', () => {
  it('gives the file its name once size and hash are right, and tells its progress', async () => {
    const { url } = await serve((request, response) => send(content, request, response));
    const directory = directoryWith();
    const path = join(directory, 'file');
    const progress: [number, number | undefined][] = [];
    const options = { sizeBytes: content.length, sha256 };
    const got = await download(url, path, {
      ...options,
      onProgress: (received, total) => progress.push([received, total]),
    });
    expect(got).toBe(sha256);
    expect(readFileSync(path).equals(content)).toBe(true);
    expect(readdirSync(directory)).toEqual(['file']);
    expect(progress.at(-1)).toEqual([100_000, 100_000]);
  });

  it('continues a connection that broke off where it ended', async () => {
    const { url, ranges } = await serve((request, response, call) =>
      send(content, request, response, call < 3 ? { breakAfter: 40_000 } : {}),
    );
    const path = join(directoryWith(), 'file');
    await download(url, path, { sha256 });
    expect(readFileSync(path).equals(content)).toBe(true);
    expect(ranges).toEqual([undefined, 'bytes=40000-', 'bytes=80000-']);
  });

  it('continues in a later call what an earlier one left', async () => {
    const { url, ranges } = await serve((request, response, call) =>
      send(content, request, response, call === 1 ? { breakAfter: 30_000 } : {}),
    );
    const path = join(directoryWith(), 'file');
    expect(await codeOf(download(url, path, { attempts: 1 }))).toBe('ERR_FETCH_NETWORK');
    expect(readFileSync(`${path}.part`).length).toBe(30_000);
    await download(url, path, { attempts: 1 });
    expect(readFileSync(path).equals(content)).toBe(true);
    expect(ranges).toEqual([undefined, 'bytes=30000-']);
  });

  it('starts over when the file changed meanwhile', async () => {
    const other = Buffer.alloc(50_000, 7);
    const { url } = await serve((request, response, call) =>
      call === 1
        ? send(content, request, response, { breakAfter: 30_000 })
        : send(other, request, response, { tag: '"two"' }),
    );
    const path = join(directoryWith(), 'file');
    await download(url, path);
    expect(readFileSync(path).equals(other)).toBe(true);
  });

  it('starts over at a server without ranges or validators', async () => {
    const { url, ranges } = await serve((_, response, call) => {
      response.writeHead(200, { 'content-length': content.length });
      if (call === 1) response.write(content.subarray(0, 30_000), () => response.destroy());
      else response.end(content);
    });
    for (const options of [{}, { sha256 }]) {
      const path = join(directoryWith(), 'file');
      await download(url, path, options);
      expect(readFileSync(path).equals(content)).toBe(true);
    }
    // Without a hash nothing could tell the two halves apart, so no range is asked for.
    expect(ranges.slice(0, 2)).toEqual([undefined, undefined]);
  });

  it('finishes a whole part that only lacked its name', async () => {
    const { url, ranges } = await serve((request, response) => send(content, request, response));
    const path = join(directoryWith({ 'file.part': content }), 'file');
    const directory = directoryWith({ 'file.part': content, 'file.part.tag': '"one"' });
    await download(url, join(directory, 'file'));
    await download(url, path, { sha256 });
    expect(ranges).toEqual(['bytes=100000-', 'bytes=100000-']);
    expect(readdirSync(directory)).toEqual(['file']);
  });

  it('deletes a file of wrong size or hash', async () => {
    const { url } = await serve((request, response) => send(content, request, response));
    const directory = directoryWith();
    const path = join(directory, 'file');
    expect(await codeOf(download(url, path, { sizeBytes: 5 }))).toBe('ERR_FETCH_SIZE');
    expect(await codeOf(download(url, path, { sha256: '0'.repeat(64) }))).toBe('ERR_FETCH_HASH');
    expect(readdirSync(directory)).toEqual([]);
  });

  it('reports refusals without a second try', async () => {
    const { url, ranges } = await serve((_, response) => response.writeHead(404).end());
    const path = join(directoryWith(), 'file');
    await expect(download(url, path)).rejects.toThrow(`${url}: HTTP 404 Not Found`);
    expect(ranges).toHaveLength(1);
  });

  it('gives up on a server that falls silent, or is not there', async () => {
    const { url } = await serve((_, response) => {
      response.writeHead(200, { 'content-length': 10 });
      response.write('x');
    });
    const path = join(directoryWith(), 'file');
    expect(await codeOf(download(url, path, { attempts: 2, stallMs: 50 }))).toBe(
      'ERR_FETCH_NETWORK',
    );
    expect(await codeOf(download('http://127.0.0.1:9/', path, { attempts: 1 }))).toBe(
      'ERR_FETCH_NETWORK',
    );
  });

  it('ends with the signal and keeps what it has', async () => {
    const { url } = await serve((_, response) => {
      response.writeHead(200, { 'content-length': 10, etag: '"one"' });
      response.write('half.');
    });
    const path = join(directoryWith(), 'file');
    const controller = new AbortController();
    const options = { signal: controller.signal, onProgress: () => controller.abort() };
    await expect(download(url, path, options)).rejects.toThrow(/abort/i);
    expect(readFileSync(`${path}.part`, 'utf8')).toBe('half.');
  });
});

describe('a trace', () => {
  const archive = gzipSync(
    tarOf({ 'traces-master/20110303/vm1': '1\n2\n', 'traces-master/20110306/vm1': '3\n' }),
  );

  it('is unpacked, pinned by its first hash and not downloaded again', async () => {
    const { url, ranges } = await serve((request, response) => send(archive, request, response));
    const source: TraceSource = { url, archive: 'tar.gz', terms: 'none' };
    const directory = directoryWith();
    const first = await fetchTrace('days', directory, {}, source);
    expect(first).toMatchObject({ sha256: sha256Of(archive), isPinned: true });
    expect(detectFormat(join(first.directory, '20110303'))).toBe('planetlab');
    expect(readFileSync(`${first.archive}.sha256`, 'utf8')).toBe(
      `${sha256Of(archive)}  days.tar.gz\n`,
    );
    expect(await fetchTrace('days', directory, {}, source)).toMatchObject({ isPinned: false });
    expect(ranges).toHaveLength(1);

    writeFileSync(first.archive, 'changed');
    expect(await codeOf(fetchTrace('days', directory, {}, source))).toBe('ERR_FETCH_HASH');
  });

  it('is refused when a later download differs from the pinned one', async () => {
    const { url } = await serve((request, response) => send(archive, request, response));
    const source: TraceSource = { url, archive: 'tar.gz', terms: 'none' };
    const lock = { 'days.tar.gz.sha256': `${'0'.repeat(64)}  days.tar.gz\n` };
    const directory = directoryWith(lock);
    expect(await codeOf(fetchTrace('days', directory, {}, source))).toBe('ERR_FETCH_HASH');
    expect(existsSync(join(directory, 'days'))).toBe(false);
    const broken = directoryWith({ 'days.tar.gz.sha256': 'zzz' });
    await expect(fetchTrace('days', broken, {}, source)).rejects.toThrow('expected 64 hex digits');
  });

  it('must be in the catalogue', async () => {
    await expect(fetchTrace('nope', directoryWith())).rejects.toThrow(
      `expected ${Object.keys(traceCatalogue).join(', ')}, got nope`,
    );
  });
});
