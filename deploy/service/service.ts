/** The decision service: HTTP in front of the twin, the guard and a controller's journal. */
import { randomBytes } from 'node:crypto';
import type { Writable } from 'node:stream';
import rateLimit from '@fastify/rate-limit';
import swagger from '@fastify/swagger';
import Fastify, { type FastifyInstance, LogController } from 'fastify';
import type { Clock } from '../clock.ts';
import { healthAnswer } from './api/answers.ts';
import type { ClusterSource } from './cluster-source.ts';
import type { Computer } from './compute/compute.ts';
import { addDashboard, dashboardPath } from './dashboard/routes.ts';
import { addClusterRoutes } from './http/cluster-routes.ts';
import { EventStreams } from './http/event-streams.ts';
import { addGate } from './http/gate.ts';
import { type ServiceMetrics, serviceMetrics } from './http/metrics.ts';
import { addQuestionRoutes } from './http/question-routes.ts';
import { addRefusals, refuseConnection } from './http/refusals.ts';
import { routeSchema } from './http/route-schema.ts';
import type { PlanStore } from './plan-store.ts';

export interface ServiceOptions {
  /** Address that will be listened on; others than loopback need a token. */
  readonly host: string;
  readonly token?: string;
  readonly computer: Computer;
  readonly plans: PlanStore;
  readonly cluster?: ClusterSource;
  readonly clock: Clock;
  readonly version: string;
  /** Default 32 MiB. */
  readonly bodyMaxBytes?: number;
  /** Requests of one client in a second. Default 200. */
  readonly requestsPerS?: number;
  /** After that an answer is given up. Default 60 s. */
  readonly answerTimeoutMs?: number;
  /** Until all of a request has arrived. Default 30 s. */
  readonly requestTimeoutMs?: number;
  readonly log?: { readonly level: string; readonly stream?: Writable };
  readonly dashboard?: boolean;
}

const connectionsMax = 512;

/** Makes the service; `listen` and `close` are its caller's. */
export async function createService(options: ServiceOptions): Promise<FastifyInstance> {
  const { cluster, clock, computer, plans, answerTimeoutMs = 60_000 } = options;
  const service = Fastify({
    bodyLimit: options.bodyMaxBytes ?? 32 * 2 ** 20,
    requestTimeout: options.requestTimeoutMs ?? 30_000,
    // A connection on which nothing happens; longer than any answer takes.
    connectionTimeout: answerTimeoutMs + 60_000,
    keepAliveTimeout: 60_000,
    maxRequestsPerSocket: 0,
    http: { maxHeaderSize: 16 * 1024, connectionsCheckingInterval: 1000 },
    routerOptions: { maxParamLength: 128 },
    forceCloseConnections: 'idle',
    genReqId: () => randomBytes(8).toString('hex'),
    requestIdHeader: false,
    logController: new LogController({ disableRequestLogging: true }),
    logger: loggerOf(options.log),
    clientErrorHandler: refuseConnection,
  });
  service.server.maxConnections = connectionsMax;
  // Bodies go to the thread that answers as they came.
  service.removeAllContentTypeParsers();
  service.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_, body, done) =>
    done(null, body),
  );
  service.setValidatorCompiler(() => () => true);
  service.setSerializerCompiler(() => (value) => JSON.stringify(value));
  const streams = cluster === undefined ? undefined : new EventStreams(cluster, clock);
  const metrics = metricsOf(options, streams);
  addGate(service, {
    host: options.host,
    ...(options.token === undefined ? {} : { token: options.token }),
    isPublic: (path) => path === '/' || path === '/healthz' || path.startsWith(pagePrefix),
  });
  await addPlugins(service, options);
  addRefusals(service);
  addObservation(service, metrics, clock);
  addHealth(service, cluster);
  addQuestionRoutes(service, {
    ...{ computer, plans, metrics, clock, answerTimeoutMs },
    past: cluster === undefined ? undefined : () => cluster.past,
  });
  addClusterRoutes(service, {
    ...{ plans, clock },
    cluster:
      cluster === undefined || streams === undefined ? undefined : { source: cluster, streams },
  });
  if (options.dashboard === true) {
    addDashboard(service);
    service.get('/', { schema: { hide: true } }, (_, reply) => reply.redirect(dashboardPath, 302));
  }
  service.addHook('preClose', async () => streams?.close());
  service.addHook('onClose', async () => {
    metrics.registry.clear();
    await computer.close();
  });
  return service;
}

/** The page asks for no token itself: what it shows it has to ask for with one. */
const pagePrefix = dashboardPath.slice(0, -1);

/** Never a header or a query, which may hold secrets. */
function loggerOf(log: ServiceOptions['log']): object | false {
  if (log === undefined) return false;
  return {
    level: log.level,
    ...(log.stream === undefined ? {} : { stream: log.stream }),
    redact: ['req.headers', 'headers', 'authorization', 'token'],
    serializers: {
      req: (request: { readonly method: string; readonly ip?: string }) => ({
        method: request.method,
        client: request.ip,
      }),
    },
  };
}

async function addPlugins(service: FastifyInstance, options: ServiceOptions): Promise<void> {
  await service.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Wattwin decision service',
        version: options.version,
        description: 'What to do with a cluster of virtual machines, and what would come of it.',
      },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      ...(options.token === undefined ? {} : { security: [{ token: [] }] }),
    },
    hideUntagged: false,
  });
  await service.register(rateLimit, {
    // Not route by route: addresses that are not there count too.
    global: false,
    max: options.requestsPerS ?? 200,
    timeWindow: 1000,
    allowList: (request) => request.url === '/healthz',
    errorResponseBuilder: (_, { statusCode }) =>
      Object.assign(new Error('too many requests'), { statusCode }),
  });
  service.addHook('onRequest', service.rateLimit());
}

function metricsOf({ computer, cluster }: ServiceOptions, streams?: EventStreams): ServiceMetrics {
  return serviceMetrics({
    questions: () => computer.load,
    streams: () => streams?.size ?? 0,
    cluster:
      cluster === undefined
        ? undefined
        : () => {
            const { lastDecision, series, snapshotAgeMs } = cluster.state();
            return {
              predictedW: lastDecision?.after.powerW[0],
              observedW: series.at(-1)?.observedW,
              snapshotAgeS: snapshotAgeMs === null ? undefined : snapshotAgeMs / 1000,
              journalBytes: cluster.journalBytes,
            };
          },
  });
}

/** One log line and one observation for each request, by the pattern of its route. */
function addObservation(service: FastifyInstance, metrics: ServiceMetrics, clock: Clock): void {
  const starts = new WeakMap<object, number>();
  service.addHook('onRequest', async (request) => {
    starts.set(request, clock.monotonicMs());
  });
  service.addHook('onResponse', async (request, reply) => {
    const ms = clock.monotonicMs() - (starts.get(request) ?? clock.monotonicMs());
    const route = request.routeOptions.url ?? 'none';
    metrics.request(route, request.method, reply.statusCode, ms / 1000);
    request.log.info({ method: request.method, route, status: reply.statusCode, ms }, 'answered');
  });
  service.get('/metrics', { schema: { hide: true } }, async (_, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
}

function addHealth(service: FastifyInstance, cluster: ClusterSource | undefined): void {
  let isStopping = false;
  service.addHook('preClose', async () => {
    isStopping = true;
  });
  // Whoever is answered last need not wait for a connection that is kept open.
  service.addHook('onSend', async (_, reply, payload) => {
    if (isStopping) reply.header('connection', 'close');
    return payload;
  });
  const health = {
    summary: 'Whether it takes requests',
    answer: healthAnswer,
    isPublic: true,
  } as const;
  service.get('/healthz', { schema: routeSchema(health) }, async (_, reply) =>
    reply.code(isStopping ? 503 : 200).send({
      status: isStopping ? 'stopping' : 'ok',
      attached: cluster !== undefined,
      snapshotAgeMs: cluster?.state().snapshotAgeMs ?? null,
    }),
  );
  service.get('/v1/openapi.json', { schema: { hide: true } }, async (_, reply) =>
    reply.type('application/json; charset=utf-8').send(JSON.stringify(service.swagger())),
  );
}
