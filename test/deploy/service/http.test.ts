/** The service as its clients meet it. */

import {
  chmodSync,
  mkdtempSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { decisionAnswer, errorAnswer, healthAnswer } from '../../../deploy/service/api/answers.ts';
import type { Computer } from '../../../deploy/service/compute/compute.ts';
import type { ServiceOptions } from '../../../deploy/service/service.ts';
import { readToken, tokenCheck, tokenIn } from '../../../deploy/service/token.ts';
import { body, computerOfTests, serviceOfTests } from './small-cluster.ts';

const open: FastifyInstance[] = [];

async function service(options: Partial<ServiceOptions> = {}): Promise<FastifyInstance> {
  const made = await serviceOfTests(options);
  open.push(made);
  return made;
}

afterEach(async () => {
  for (const made of open.splice(0)) await made.close();
});

const post = (
  made: FastifyInstance,
  url: string,
  payload: string | Buffer = body(),
  headers: Readonly<Record<string, string>> = {},
) =>
  made.inject({
    method: 'POST',
    url,
    payload,
    headers: { host: 'localhost', 'content-type': 'application/json', ...headers },
  });

const get = (made: FastifyInstance, url: string, headers: Readonly<Record<string, string>> = {}) =>
  made.inject({ method: 'GET', url, headers: { host: 'localhost', ...headers } });

/** What is wrong, after a look at the form of the answer. */
function refusal(answer: { readonly body: string; readonly statusCode: number }): [number, string] {
  const { error } = errorAnswer.parse(JSON.parse(answer.body));
  return [answer.statusCode, error.code];
}

describe('every failure has one form and its own code:', () => {
  it.each([
    ['an address that is not there', 404, 'not_found', 'GET', '/v2/decide', {}, undefined],
    [
      'a method that an address does not take',
      405,
      'method_not_allowed',
      'GET',
      '/v1/decide',
      {},
      undefined,
    ],
    ['the same below an id', 405, 'method_not_allowed', 'DELETE', '/v1/plans/x', {}, undefined],
    ['no body', 400, 'bad_request', 'POST', '/v1/decide', {}, undefined],
    ['no JSON', 400, 'bad_request', 'POST', '/v1/decide', {}, '{'],
    [
      'another media type',
      415,
      'unsupported_media_type',
      'POST',
      '/v1/decide',
      { 'content-type': 'text/plain' },
      body(),
    ],
    [
      'a form, as a foreign page sends it',
      415,
      'unsupported_media_type',
      'POST',
      '/v1/decide',
      { 'content-type': 'application/x-www-form-urlencoded' },
      'a=1',
    ],
    [
      'no media type',
      415,
      'unsupported_media_type',
      'POST',
      '/v1/decide',
      { 'content-type': '' },
      body(),
    ],
    ['a wrong body', 422, 'invalid', 'POST', '/v1/decide', {}, '{}'],
    [
      'a policy that is not there',
      422,
      'invalid',
      'POST',
      '/v1/decide',
      {},
      body({ policy: 'nope' }),
    ],
    [
      'a plan that is not there',
      404,
      'not_found',
      'GET',
      '/v1/plans/20261122T061500-0123456789abcdef',
      {},
      undefined,
    ],
    ['a state without a cluster', 404, 'not_found', 'GET', '/v1/state', {}, undefined],
    [
      'a foreign host name (DNS rebinding)',
      403,
      'forbidden',
      'GET',
      '/healthz',
      { host: 'evil.example' },
      undefined,
    ],
    [
      'a page of another site',
      403,
      'forbidden',
      'POST',
      '/v1/decide',
      { 'sec-fetch-site': 'cross-site' },
      body(),
    ],
    [
      'another origin',
      403,
      'forbidden',
      'POST',
      '/v1/decide',
      { origin: 'http://evil.example' },
      body(),
    ],
    [
      'a page without an origin',
      403,
      'forbidden',
      'POST',
      '/v1/decide',
      { origin: 'null' },
      body(),
    ],
  ] as const)('%s', async (_, status, code, method, url, headers, payload) => {
    const made = await service();
    const answer = await made.inject({
      method,
      url,
      ...(payload === undefined ? {} : { payload }),
      headers: {
        host: '127.0.0.1:8484',
        ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
    });
    expect(refusal(answer)).toEqual([status, code]);
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(answer.body).not.toMatch(/node_modules|deploy\/|\\n +at /);
  });

  it('a body over the limit', async () => {
    const made = await service({ bodyMaxBytes: 1000 });
    expect(refusal(await post(made, '/v1/decide'))).toEqual([413, 'too_large']);
  });

  it('an address that takes other methods names them', async () => {
    const made = await service();
    const answer = await get(made, '/v1/plan');
    expect(answer.headers['allow']).toBe('POST');
  });

  it.each(['localhost', 'localhost:80', '127.0.0.1:8484', '127.9.9.9', '[::1]:8484'])(
    'but %s is this machine',
    async (host) => {
      expect((await get(await service(), '/healthz', { host })).statusCode).toBe(200);
    },
  );

  it('a failure of ours tells nothing, and the log has it', async () => {
    const log = memory();
    const computer: Computer = {
      ...computerOfTests(),
      ask: () => Promise.reject(new Error('the secret of the inside')),
    };
    const made = await service({ computer, log: { level: 'error', stream: log } });
    const answer = await post(made, '/v1/decide');
    expect(refusal(answer)).toEqual([500, 'internal']);
    expect(answer.body).not.toContain('secret');
    expect(log.text()).toContain('the secret of the inside');
  });

  it('too many requests of one client, and only of that one', async () => {
    const made = await service({ requestsPerS: 3, token: 'x'.repeat(20) });
    const codes: number[] = [];
    for (let index = 0; index < 5; index++) codes.push((await get(made, '/v1/state')).statusCode);
    // Guesses of a token count.
    expect(codes).toEqual([401, 401, 401, 429, 429]);
    const refused = await get(made, '/v1/state');
    expect(refusal(refused)).toEqual([429, 'too_many_requests']);
    expect(refused.headers['retry-after']).toBeDefined();
    expect((await get(made, '/nowhere')).statusCode).toBe(429);
    const other = await made.inject({
      url: '/v1/state',
      remoteAddress: '10.0.0.9',
      headers: { host: 'localhost' },
    });
    expect(other.statusCode).toBe(401);
    expect((await get(made, '/healthz')).statusCode).toBe(200);
  });

  it('an answer that takes too long is given up', async () => {
    const computer: Computer = {
      ...computerOfTests(),
      ask: (_, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () =>
            reject(Object.assign(new Error('late'), { statusCode: 500 })),
          );
        }),
    };
    let given = 0;
    const made = await service({
      computer,
      answerTimeoutMs: 1234,
      clock: {
        wallMs: () => 0,
        monotonicMs: () => 0,
        sleep: async () => undefined,
        after: (ms, then) => {
          given = ms;
          queueMicrotask(then);
          return () => undefined;
        },
      },
    });
    expect((await post(made, '/v1/decide')).statusCode).toBe(500);
    expect(given).toBe(1234);
  });
});

describe('what is not HTTP', () => {
  async function raw(made: FastifyInstance, text: string): Promise<string> {
    await made.listen({ host: '127.0.0.1', port: 0 });
    const { port } = made.server.address() as { readonly port: number };
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(text));
      let said = '';
      socket.on('data', (chunk) => {
        said += String(chunk);
      });
      socket.on('close', () => resolve(said));
      socket.on('error', reject);
    });
  }

  it.each([
    ['no request', 'hello\r\n\r\n', 400, 'bad_request'],
    [
      'endless headers',
      `GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
      431,
      'headers_too_large',
    ],
    [
      'two lengths',
      'POST /v1/decide HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      400,
      'bad_request',
    ],
    [
      'a length and chunks (smuggling)',
      'POST /v1/decide HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
      'bad_request',
    ],
  ])('is refused in the same form: %s', async (_, text, status, code) => {
    const said = await raw(await service(), text);
    const [head, payload] = said.split('\r\n\r\n');
    expect(head).toContain(`HTTP/1.1 ${status} `);
    expect(refusal({ body: payload!, statusCode: status })).toEqual([status, code]);
  });

  it('a request without a host name is refused', async () => {
    const said = await raw(await service(), 'GET /healthz HTTP/1.0\r\n\r\n');
    expect(said).toContain('HTTP/1.1 403 ');
  });

  it('a request that never ends is ended', async () => {
    const made = await service({ requestTimeoutMs: 200 });
    // Node looks at both, whichever is shorter.
    made.server.headersTimeout = 200;
    const said = await raw(made, 'POST /v1/decide HTTP/1.1\r\nHost: localhost\r\n');
    expect(said).toContain('HTTP/1.1 408 ');
  }, 60_000);

  it.each([
    '/../../etc/passwd',
    '/dashboard/../../../etc/passwd',
    '/dashboard/%2e%2e%2f%2e%2e%2fpackage.json',
    '/dashboard//etc/passwd',
    '/v1/plans/..%2f..%2ftoken',
    '/%00',
  ])('the path %s leads nowhere', async (path) => {
    const made = await service({ dashboard: true });
    await made.listen({ host: '127.0.0.1', port: 0 });
    const { port } = made.server.address() as { readonly port: number };
    const said = await new Promise<string>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () =>
        socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`),
      );
      let text = '';
      socket.on('data', (chunk) => {
        text += String(chunk);
      });
      socket.on('close', () => resolve(text));
      socket.on('error', reject);
    });
    expect(said).toMatch(/^HTTP\/1\.1 40[04] /);
    expect(said).not.toMatch(/root:|"name"/);
  });
});

describe('the token', () => {
  const token = 'correct-horse-battery-staple';

  it('is asked for everywhere but for health', async () => {
    const made = await service({ token });
    for (const url of ['/v1/state', '/metrics', '/v1/openapi.json', '/nowhere']) {
      const answer = await get(made, url);
      expect(refusal(answer), url).toEqual([401, 'unauthorized']);
      expect(answer.headers['www-authenticate']).toBe('Bearer');
    }
    expect(refusal(await post(made, '/v1/decide'))).toEqual([401, 'unauthorized']);
    expect(healthAnswer.parse((await get(made, '/healthz')).json()).status).toBe('ok');
  });

  it.each([
    ['', 401],
    ['Bearer', 401],
    [`Bearer ${token.slice(0, -1)}`, 401],
    [`Bearer ${token}x`, 401],
    [`Basic ${token}`, 401],
    [token, 401],
    [`Bearer ${token}`, 200],
    [`bearer  ${token}`, 200],
  ])('"%s" is answered with %i', async (authorization, status) => {
    const made = await service({ token });
    expect((await get(made, '/v1/openapi.json', { authorization })).statusCode).toBe(status);
  });

  it('counts only in its header: not in the address', async () => {
    const made = await service({ token });
    expect((await get(made, `/v1/openapi.json?token=${token}`)).statusCode).toBe(401);
  });

  it('is refused before a body is read', async () => {
    const made = await service({ token, bodyMaxBytes: 10 });
    expect(refusal(await post(made, '/v1/decide'))).toEqual([401, 'unauthorized']);
  });

  it('is needed to listen where others can connect', async () => {
    await expect(serviceOfTests({ host: '0.0.0.0' })).rejects.toThrow('expected a token');
    await expect(serviceOfTests({ host: '10.1.2.3' })).rejects.toThrow('expected a token');
    await expect(serviceOfTests({ host: '127.evil.example' })).rejects.toThrow('expected a token');
    const made = await service({ host: '0.0.0.0', token });
    // There names of this machine are not known, and the token protects.
    const answer = await get(made, '/v1/openapi.json', {
      host: 'twin.example',
      authorization: `Bearer ${token}`,
    });
    expect(answer.statusCode).toBe(200);
  });

  it('and bodies never come into the log, at no level', async () => {
    const log = memory();
    const made = await service({ token, log: { level: 'trace', stream: log } });
    const authorization = `Bearer ${token}`;
    await post(made, `/v1/decide?token=${token}`, body({ policy: 'nope' }), {
      authorization,
      cookie: `a=${token}`,
    });
    await get(made, `/nowhere/${token}`, { authorization });
    await post(made, '/v1/decide', `{"${token}":`, { authorization });
    await get(made, '/v1/state', { authorization: `Bearer ${token}x` });
    expect(log.text()).toContain('"status":422');
    expect(log.text()).not.toContain(token);
  });

  const directory = (): string => mkdtempSync(join(tmpdir(), 'wattwin-token-'));

  it('is made once, with 256 bits, for its owner alone', () => {
    const path = join(directory(), 'deep', 'token');
    const { token: made, isNew } = tokenIn(path);
    expect(Buffer.from(made, 'base64url')).toHaveLength(32);
    expect(isNew).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(tokenIn(path)).toEqual({ token: made, isNew: false });
    expect(readFileSync(path, 'utf8')).toBe(`${made}\n`);
  });

  it.each([0o640, 0o604, 0o620, 0o666])('in a file of mode %o is not used', (mode) => {
    const path = join(directory(), 'token');
    writeFileSync(path, `${token}\n`);
    chmodSync(path, mode);
    expect(() => readToken(path)).toThrow('only its owner can read');
  });

  it('is not shown where its file is wrong', () => {
    const path = join(directory(), 'token');
    writeFileSync(path, 'se cret\n', { mode: 0o600 });
    expect(() => readToken(path)).toThrow(/^(?!.*se cret).*letters, digits/s);
    writeFileSync(path, 'short\n', { mode: 0o600 });
    expect(() => readToken(path)).toThrow(/^(?!.*short).*letters, digits/s);
    expect(() => readToken(directory())).toThrow('a plain file');
    expect(() => readToken(join(directory(), 'none'))).toThrow('ENOENT');
    symlinkSync('/dev/zero', join(directory(), 'zero'));
  });

  it('is compared as a whole', () => {
    const isRight = tokenCheck(token);
    expect(isRight(token)).toBe(true);
    for (const wrong of ['', token.slice(1), `${token} `, token.toUpperCase()]) {
      expect(isRight(wrong)).toBe(false);
    }
  });
});

describe('every answer', () => {
  it('has headers that keep browsers from doing more with it', async () => {
    const made = await service();
    for (const answer of [await get(made, '/healthz'), await get(made, '/nowhere')]) {
      expect(answer.headers).toMatchObject({
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
      });
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    }
    const asked = await made.inject({
      method: 'OPTIONS',
      url: '/v1/decide',
      headers: { host: 'localhost', 'access-control-request-method': 'POST' },
    });
    expect(asked.statusCode).toBe(405);
  });

  it('is described by the OpenAPI document', async () => {
    const made = await service();
    const document = (await get(made, '/v1/openapi.json')).json();
    expect(document.openapi).toBe('3.1.0');
    const paths = Object.entries<Record<string, unknown>>(document.paths).flatMap(
      ([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`),
    );
    expect(paths.sort()).toEqual([
      'get /healthz',
      'get /v1/decisions',
      'get /v1/decisions/{id}',
      'get /v1/events',
      'get /v1/plans/{id}',
      'get /v1/state',
      'post /v1/decide',
      'post /v1/decisions/{id}/approve',
      'post /v1/decisions/{id}/reject',
      'post /v1/place',
      'post /v1/plan',
      'post /v1/plans/{id}/approve',
      'post /v1/plans/{id}/reject',
      'post /v1/reschedule',
      'post /v1/whatif',
    ]);
    const schema = document.paths['/v1/decide'].post.requestBody.content['application/json'].schema;
    expect(schema.required).toEqual(['snapshot']);
    expect(schema.properties.snapshot.properties.vms.maxItems).toBe(200_000);
    expect(JSON.stringify(document)).not.toContain('"$ref"');
  });

  it('counts in the metrics by the pattern of its route', async () => {
    const made = await service();
    decisionAnswer.parse((await post(made, '/v1/decide')).json());
    await get(made, '/v1/plans/one');
    await get(made, '/v1/plans/two');
    await get(made, '/some/secret');
    const { body: text, headers } = await get(made, '/metrics');
    expect(headers['content-type']).toContain('text/plain; version=0.0.4');
    const counts = [...text.matchAll(/wattwin_request_duration_seconds_count\{(.*)\} (\d+)/g)];
    expect(Object.fromEntries(counts.map(([, labels, count]) => [labels, count]))).toEqual({
      'route="/v1/decide",method="POST",status="200"': '1',
      'route="/v1/plans/:id",method="GET",status="404"': '2',
      'route="none",method="GET",status="404"': '1',
    });
    expect(text).toContain('wattwin_answers_total{kind="decide",status="200"} 1');
    expect(text).toMatch(/nodejs_eventloop_lag_p99_seconds \d/);
    expect(text).toMatch(/process_resident_memory_bytes \d/);
    expect(text).not.toContain('secret');
  });
});

function memory(): Writable & { text(): string } {
  const chunks: string[] = [];
  return Object.assign(
    new Writable({
      write(chunk, _, done) {
        chunks.push(String(chunk));
        done();
      },
    }),
    { text: () => chunks.join('') },
  );
}
