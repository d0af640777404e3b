/** Routes about a cluster that the service is attached to, and about plans that it has made. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Clock } from '../../clock.ts';
import type { Approval } from '../../control/approvals.ts';
import {
  decisionsAnswer,
  decisionView,
  planAnswer,
  stateAnswer,
  verdictAnswer,
} from '../api/answers.ts';
import type { ClusterSource } from '../cluster-source.ts';
import type { PlanStore } from '../plan-store.ts';
import { ServiceError } from '../service-error.ts';
import type { EventStreams } from './event-streams.ts';
import { planText } from './question-routes.ts';
import { routeSchema } from './route-schema.ts';

export interface ClusterRoutesOptions {
  readonly plans: PlanStore;
  readonly clock: Clock;
  readonly cluster?: { readonly source: ClusterSource; readonly streams: EventStreams } | undefined;
}

const idParams = z.strictObject({ id: z.string() });
const listQuery = z.strictObject({ limit: z.coerce.number().int().min(1).max(1000).default(50) });
const words = [
  ['approve', 'approved'],
  ['reject', 'rejected'],
] as const;

/** Adds `/v1/plans`, and with a cluster `/v1/state`, `/v1/events` and `/v1/decisions`. */
export function addClusterRoutes(service: FastifyInstance, options: ClusterRoutesOptions): void {
  addPlanRoutes(service, options.plans);
  const cluster = options.cluster ?? undefined;
  const source = (): ClusterSource => {
    if (cluster !== undefined) return cluster.source;
    throw new ServiceError('not_found', 'this service is attached to no cluster (--cluster)');
  };
  const state = { summary: 'The cluster now, by its controller’s journal', answer: stateAnswer };
  service.get('/v1/state', { schema: routeSchema(state) }, async () => {
    const from = source();
    from.refresh();
    return from.state();
  });
  const events = {
    summary: 'The state as server-sent events, at every change',
    answer: z.string(),
  };
  service.get(
    '/v1/events',
    { schema: routeSchema(events), exposeHeadRoute: false },
    (request, reply) => {
      source();
      cluster!.streams.add(request, reply);
    },
  );
  const list = {
    ...{ summary: 'Decisions, newest first', querystring: listQuery, answer: decisionsAnswer },
  };
  service.get('/v1/decisions', { schema: routeSchema(list) }, async ({ query }) => {
    const from = source();
    const { limit } = parsed(listQuery, query);
    from.refresh();
    return { decisions: from.decisions(limit) };
  });
  const one = { summary: 'One decision', params: idParams, answer: decisionView };
  service.get('/v1/decisions/:id', { schema: routeSchema(one) }, async (request) => {
    const from = source();
    from.refresh();
    return from.decision(idOf(request)) ?? missing('decision');
  });
  addWords(service, 'decision', (id, verdict, by) =>
    sayOfDecision(id, verdict, source(), by, options.clock),
  );
}

/** Routes by which people say what is to become of a decision or a plan. */
function addWords(
  service: FastifyInstance,
  what: 'decision' | 'plan',
  say: (id: string, verdict: Approval['verdict'], by: string) => z.output<typeof verdictAnswer>,
): void {
  for (const [word, verdict] of words) {
    const summary = `Say that a ${what} is ${verdict}`;
    const schema = routeSchema({ summary, params: idParams, answer: verdictAnswer });
    service.post(`/v1/${what}s/:id/${word}`, { schema }, async (request) =>
      say(idOf(request), verdict, byOf(request)),
    );
  }
}

function sayOfDecision(
  id: string,
  verdict: Approval['verdict'],
  source: ClusterSource,
  by: string,
  clock: Clock,
): z.output<typeof verdictAnswer> {
  source.refresh();
  const decision = source.decision(id);
  if (decision === undefined) return missing('decision');
  const before = source.saidOf(id);
  if (before === undefined && decision.state !== 'open') {
    throw new ServiceError(
      'conflict',
      `the decision is ${decision.state}; nobody waits for a word`,
    );
  }
  return settled(
    before ?? source.say({ decision: id, verdict, atMs: clock.wallMs(), by }),
    verdict,
  );
}

/** What holds, where it is what was wanted. */
function settled(
  { decision: id, verdict, atMs, by }: Approval,
  wanted: Approval['verdict'],
): z.output<typeof verdictAnswer> {
  if (verdict !== wanted) throw new ServiceError('conflict', `it is ${verdict} already, by ${by}`);
  return { id, verdict, atMs, by };
}

function addPlanRoutes(service: FastifyInstance, plans: PlanStore): void {
  const get = { summary: 'A plan made before', params: idParams, answer: planAnswer };
  service.get('/v1/plans/:id', { schema: routeSchema(get) }, async (request, reply) => {
    const id = idOf(request);
    const plan = plans.get(id);
    if (plan === undefined) return missing('plan');
    const state = plans.saidOf(id)?.verdict ?? 'open';
    return reply.type('application/json; charset=utf-8').send(planText(id, state, plan.text));
  });
  addWords(service, 'plan', (id, verdict, by) =>
    settled(plans.say(id, verdict, by) ?? missing('plan'), verdict),
  );
}

const missing = (what: string): never => {
  throw new ServiceError('not_found', `there is no such ${what}`);
};

const idOf = (request: FastifyRequest): string => parsed(idParams, request.params).id;

/** Who speaks: all that is known of somebody with the token is where they are. */
const byOf = (request: FastifyRequest): string => `http ${request.ip}`;

function parsed<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new ServiceError(
    'invalid',
    'the address does not fit; see issues',
    result.error.issues.map(({ path, message }) => ({
      path: path.map(String).join('.'),
      expected: message,
      got: 'something else',
    })),
  );
}
