/** Routes whose answers are computed: one question, one answer. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../clock.ts';
import type { Past } from '../../control/guard/rules.ts';
import {
  decisionAnswer,
  placeAnswer,
  planAnswer,
  rescheduleAnswer,
  whatIfAnswer,
} from '../api/answers.ts';
import { decideRequest, placeRequest, rescheduleRequest, whatIfRequest } from '../api/requests.ts';
import type { Computer, QuestionKind, Reply } from '../compute/compute.ts';
import type { PlanStore } from '../plan-store.ts';
import { ServiceError } from '../service-error.ts';
import type { ServiceMetrics } from './metrics.ts';
import { type RouteDescription, routeSchema } from './route-schema.ts';

export interface QuestionRoutesOptions {
  readonly computer: Computer;
  readonly plans: PlanStore;
  readonly metrics: ServiceMetrics;
  readonly clock: Clock;
  /** After that an answer is given up, ms. */
  readonly answerTimeoutMs: number;
  /** Where the service is attached to a cluster. */
  readonly past?: (() => Past) | undefined;
}

const routes = [
  {
    kind: 'decide',
    summary: 'What a policy would do, what that would change, and what the guard says of it',
    body: decideRequest,
    answer: decisionAnswer,
  },
  {
    kind: 'plan',
    summary: 'The same as steps in order, with the exact commands; kept under an id',
    body: decideRequest,
    answer: planAnswer,
  },
  {
    kind: 'place',
    summary: 'Hosts for one new VM, ranked, and why others cannot take it',
    body: placeRequest,
    answer: placeAnswer,
  },
  {
    kind: 'whatif',
    summary: 'What would become of the cluster if operations were carried out',
    body: whatIfRequest,
    answer: whatIfAnswer,
  },
  {
    kind: 'reschedule',
    summary: 'Which VMs to move, at most so many, each move feasible after those before',
    body: rescheduleRequest,
    answer: rescheduleAnswer,
  },
] as const satisfies readonly ({ readonly kind: QuestionKind } & RouteDescription)[];

/** Adds `POST /v1/decide`, `/v1/plan`, `/v1/place`, `/v1/whatif` and `/v1/reschedule`. */
export function addQuestionRoutes(service: FastifyInstance, options: QuestionRoutesOptions): void {
  for (const { kind, summary, body, answer } of routes) {
    const schema = routeSchema({ summary, body, answer });
    service.post(`/v1/${kind}`, { schema }, (request, reply) =>
      answerQuestion(kind, request, reply, options),
    );
  }
}

async function answerQuestion(
  kind: QuestionKind,
  request: FastifyRequest,
  reply: FastifyReply,
  { computer, plans, metrics, clock, answerTimeoutMs, past }: QuestionRoutesOptions,
): Promise<FastifyReply> {
  const { body } = request;
  if (!Buffer.isBuffer(body)) throw new ServiceError('bad_request', 'a JSON body is needed');
  const timeout = new AbortController();
  const cancel = clock.after(answerTimeoutMs, () => timeout.abort());
  let answer: Reply;
  try {
    answer = await computer.ask(
      { kind, body, nowMs: clock.wallMs(), ...(past === undefined ? {} : { past: past() }) },
      timeout.signal,
    );
  } finally {
    cancel();
  }
  metrics.answer(kind, answer.status);
  if (answer.failure !== undefined) request.log.error({ failure: answer.failure }, 'failed');
  reply.code(answer.status).type('application/json; charset=utf-8');
  if (kind !== 'plan' || answer.status !== 200) return reply.send(answer.text);
  const { id, text } = plans.add(answer.text);
  reply.header('location', `/v1/plans/${id}`);
  return reply.send(planText(id, 'open', text));
}

/** The text of a plan's answer with its id and state in front, not parsed again. */
export function planText(id: string, state: string, text: string): string {
  return `${JSON.stringify({ id, state }).slice(0, -1)},${text.slice(1)}`;
}
