/** Who may ask at all: the right address, no foreign page in a browser, the right token. */
import { isIPv6 } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isLoopback } from '../loopback.ts';
import { ServiceError } from '../service-error.ts';
import { tokenCheck } from '../token.ts';

export interface GateOptions {
  /** Address that is listened on. */
  readonly host: string;
  /** Absent: everyone who can connect may ask, which only loopback addresses allow. */
  readonly token?: string;
  /** Whether an address is answered without a token. */
  readonly isPublic: (path: string) => boolean;
}

/** Sent with every answer; a page brings its own policy. */
const headers = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
} as const;

/**
 * Adds the checks. The token is asked for after the rate limit has counted the request, so that
 * guesses count, and before the body is read.
 *
 * @throws RangeError for an address that others can connect to, without a token.
 */
export function addGate(service: FastifyInstance, options: GateOptions): void {
  const { host, token, isPublic } = options;
  if (token === undefined && !isLoopback(host)) {
    throw new RangeError(`expected a token or a loopback address, got ${host} without one`);
  }
  const local = isLoopback(host);
  service.addHook('onRequest', async (request, reply) => {
    reply.headers(headers);
    if (local) checkHost(request);
    checkOrigin(request);
  });
  if (token === undefined) return;
  const isRight = tokenCheck(token);
  service.addHook('preParsing', async (request, reply, payload) => {
    if (!isPublic(request.url.replace(/\?.*$/, ''))) {
      const [, given] = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '') ?? [];
      if (given === undefined || !isRight(given)) {
        reply.header('www-authenticate', 'Bearer');
        const said = given === undefined ? 'a token is needed' : 'the token is not right';
        throw new ServiceError('unauthorized', `${said} (Authorization: Bearer …)`);
      }
    }
    return payload;
  });
}

/** A page of another site whose name has been made to point here sends that name. */
function checkHost({ headers: { host = '' } }: FastifyRequest): void {
  const [, six, name] = /^(?:\[([^\]]+)\]|([^:]+))(?::\d{1,5})?$/.exec(host) ?? [];
  if (isLoopback(six ?? name ?? '') && (six === undefined || isIPv6(six))) return;
  throw new ServiceError('forbidden', 'this service answers only to localhost');
}

/** Browsers say where a request comes from; other clients do not. */
function checkOrigin({ headers: { host, origin, 'sec-fetch-site': site } }: FastifyRequest): void {
  const isForeign =
    (origin !== undefined && !isSame(origin, host)) ||
    (site !== undefined && site !== 'same-origin' && site !== 'none');
  if (isForeign) throw new ServiceError('forbidden', 'pages of other sites may not ask');
}

function isSame(origin: string, host: string | undefined): boolean {
  return host !== undefined && URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
}
