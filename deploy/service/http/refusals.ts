/** Every failure as one JSON form: of routes, of addresses that are not, of what is no HTTP. */
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { ServiceError, serviceError } from '../service-error.ts';

/** Adds the answers for failures and for addresses and methods that there are not. */
export function addRefusals(service: FastifyInstance): void {
  const methods = new Map<string, { readonly pattern: RegExp; readonly allowed: string[] }>();
  service.addHook('onRoute', ({ url, method }) => {
    const known = methods.get(url) ?? { pattern: patternOf(url), allowed: [] };
    known.allowed.push(...(Array.isArray(method) ? method : [method]));
    methods.set(url, known);
  });
  service.setErrorHandler((error, request, reply) => {
    const told = serviceError(error);
    if (told.code === 'internal') request.log.error({ failure: stackOf(error) }, 'failed');
    if (told.code === 'unavailable') reply.header('retry-after', '1');
    return reply.code(told.statusCode).type(json).send(JSON.stringify(told.body));
  });
  service.setNotFoundHandler((request, reply) => {
    const path = request.url.replace(/\?.*$/, '');
    const found = [...methods.values()].find(({ pattern }) => pattern.test(path));
    if (found === undefined)
      throw new ServiceError('not_found', 'there is nothing at this address');
    const allow = [...new Set(found.allowed)].join(', ');
    reply.header('allow', allow);
    throw new ServiceError('method_not_allowed', `this address takes ${allow}`);
  });
}

const json = 'application/json; charset=utf-8';

/** `/v1/plans/:id` → what it matches. */
function patternOf(url: string): RegExp {
  const parts = url
    .split('/')
    .map((part) => (part.startsWith(':') ? '[^/]+' : part.replace(/[^\w-]/g, '\\$&')));
  return new RegExp(`^${parts.join('/')}$`);
}

const stackOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);

/** Answers what Node's parser refuses before there is a request. */
export function refuseConnection(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { statusCode, body } = refusedBy(error.code);
  const text = JSON.stringify(body);
  socket.end(
    `HTTP/1.1 ${statusCode} ${reasons[statusCode] ?? 'Bad Request'}\r\nConnection: close\r\n` +
      `Content-Type: ${json}\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  );
}

const reasons: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
};

function refusedBy(code: string | undefined): ServiceError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new ServiceError('headers_too_large', 'the headers are too large');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new ServiceError('timeout', 'the request took too long to arrive');
    default:
      return new ServiceError('bad_request', 'this is no HTTP request');
  }
}
