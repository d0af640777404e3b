/**
 * From the bytes of a request to the text of its answer, whatever is asked. It knows nothing of HTTP
 * and keeps nothing, so it runs in any thread.
 */
import type { Operation } from '../../actions/operation.ts';
import type { ClusterFile } from '../../cluster/cluster-file.ts';
import { checker, parseJson } from '../api/body.ts';
import { decideRequest, placeRequest, rescheduleRequest, whatIfRequest } from '../api/requests.ts';
import { ServiceError, serviceError } from '../service-error.ts';
import { decide, type PlanAnswer, type PolicyOf, plan } from './decide.ts';
import { place } from './place.ts';
import type { Surroundings } from './questions.ts';
import { type ReschedulePlanner, reschedule } from './reschedule.ts';
import { whatIf } from './what-if.ts';

export const questionKinds = ['decide', 'plan', 'place', 'whatif', 'reschedule'] as const;
export type QuestionKind = (typeof questionKinds)[number];

/** What is asked; can cross to another thread. */
export interface Question {
  readonly kind: QuestionKind;
  readonly body: Uint8Array;
  readonly nowMs: number;
  /** When VMs were moved and hosts switched, where the service is attached to a cluster. */
  readonly past?: Surroundings['past'];
}

/** What is answered; can cross to another thread. */
export interface Reply {
  readonly status: number;
  /** JSON. */
  readonly text: string;
  /** Of a plan: what is needed to keep it. */
  readonly plan?: { readonly policy: string; readonly operations: readonly Operation[] };
  /** What went wrong here, for the log only. */
  readonly failure?: string;
}

/** Answers a question, always. */
export type Compute = (question: Question) => Reply;

export interface ComputeOptions {
  readonly policyOf: PolicyOf;
  readonly planner: ReschedulePlanner;
  /** Of the cluster that the service is attached to. */
  readonly cluster?: ClusterFile;
  readonly commands: Surroundings['commands'];
}

/** Makes what answers. */
export function computeWith({ policyOf, planner, cluster, commands }: ComputeOptions): Compute {
  const checkDecide = checker(decideRequest);
  const checkPlace = checker(placeRequest);
  const checkWhatIf = checker(whatIfRequest);
  const checkReschedule = checker(rescheduleRequest);
  const answers: Readonly<
    Record<QuestionKind, (body: unknown, surroundings: Surroundings) => object>
  > = {
    decide: (body, around) => decide(checkDecide(body), policyOf, around),
    plan: (body, around) => plan(checkDecide(body), policyOf, around),
    place: (body, around) => place(checkPlace(body), around),
    whatif: (body, around) => whatIf(checkWhatIf(body), around),
    reschedule: (body, around) => reschedule(checkReschedule(body), planner, around),
  };
  return ({ kind, body, nowMs, past }) => {
    try {
      const answer = answers[kind](parseJson(body), {
        nowMs,
        commands,
        ...(cluster === undefined ? {} : { cluster }),
        ...(past === undefined ? {} : { past }),
      });
      return {
        status: 200,
        text: JSON.stringify(answer),
        ...(kind === 'plan' ? { plan: kept(answer as PlanAnswer) } : {}),
      };
    } catch (error) {
      return refusal(error);
    }
  };
}

function kept({ policy, steps }: PlanAnswer): NonNullable<Reply['plan']> {
  return { policy, operations: steps.map(({ operation }) => operation) };
}

/** A failure as a reply. */
export function refusal(error: unknown): Reply {
  const told = serviceError(error);
  return {
    status: told.statusCode,
    text: JSON.stringify(told.body),
    ...(told.code === 'internal' ? { failure: stackOf(error) } : {}),
  };
}

const stackOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);

/** Asks in some thread. @throws ServiceError `unavailable` where there is no room or no time left. */
export interface Computer {
  ask(question: Question, signal: AbortSignal): Promise<Reply>;
  /** Questions that wait, and that are being answered. */
  readonly load: { readonly waiting: number; readonly running: number };
  close(): Promise<void>;
}

/** Answers here and now; everything else waits meanwhile. For tests and the smallest clusters. */
export function computerHere(compute: Compute): Computer {
  return {
    ask: async (question, signal) => {
      if (signal.aborted) throw new ServiceError('unavailable', 'the service is stopping');
      return compute(question);
    },
    load: { waiting: 0, running: 0 },
    close: async () => undefined,
  };
}
