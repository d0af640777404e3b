/**
 * Applications that answer requests, as one writes them down: where requests come from, what they ask
 * for, which services with which replicas do it and whom those call.
 */
import type { DistributionSpec } from './distribution.ts';

/** Where requests come from. Rates are per second. */
export type ArrivalSpec =
  | { readonly type: 'poisson'; readonly perS: number }
  /** One every 1 / perS seconds, the first after that time. */
  | { readonly type: 'regular'; readonly perS: number }
  /** Poisson with a rate that stays for an exponential time, then moves on to the next, around. */
  | {
      readonly type: 'mmpp';
      readonly states: readonly { readonly perS: number; readonly meanMs: number }[];
    }
  /** Poisson with a rate per step of `stepMs`; after the last step from the first again. */
  | { readonly type: 'trace'; readonly perS: readonly number[]; readonly stepMs: number }
  /** Closed loop: each client waits for its answer, thinks (ms), and asks again. */
  | {
      readonly type: 'clients';
      readonly clients: number;
      readonly thinkMs: DistributionSpec;
      /** Pause after a request that failed, at least, ms. @default 100 */
      readonly backoffMs?: number;
    };

/** How a service is deployed; one of its variants is in use. Demands are in MIPS·s. */
export interface VariantSpec {
  readonly name: string;
  readonly demand: DistributionSpec;
  /** Share of answers that are right. @default 1 */
  readonly accuracy?: number;
  /** Memory that a replica needs for it. @default 0 */
  readonly memoryBytes?: number;
}

/** `count` calls of another service on average: its whole part always, its fraction by chance. */
export interface CallSpec {
  /** Index in the application. */
  readonly service: number;
  readonly count: number;
  /** Network delay there and again back, ms. @default 0 */
  readonly networkMs?: number;
}

/** Calls made together, or one after the other; the next step begins when all have answered. */
export interface StepSpec {
  readonly parallel: boolean;
  readonly calls: readonly CallSpec[];
}

/** How a call finds its replica. */
export const balanceRules = ['round-robin', 'least-requests', 'random'] as const;
export type BalanceRule = (typeof balanceRules)[number];

export interface ServiceSpec {
  readonly name: string;
  /** VMs, each of one service only. */
  readonly replicas: readonly number[];
  /** Replicas that get calls at the start, the first so many; the others are parked. @default all */
  readonly active?: number;
  /** @default 'least-requests' */
  readonly balance?: BalanceRule;
  /** Most calls in one replica; one more is rejected. @default 500 */
  readonly queueMax?: number;
  /** Delay before a replica without work begins with a call (C-state exit and the like). @default 0 */
  readonly wakeMs?: number;
  /** Time until another variant is in use. @default 0 */
  readonly switchMs?: number;
  readonly variants: readonly VariantSpec[];
  /** Variant in use at the start. @default 0 */
  readonly variant?: number;
  /** What it calls, after its own work. @default nothing */
  readonly steps?: readonly StepSpec[];
}

/** A kind of request. */
export interface OperationSpec {
  readonly name: string;
  /** Relative frequency. */
  readonly share: number;
  /** The service that gets the request, index in the application. */
  readonly service: number;
  /** Its work there, instead of the variant's, MIPS·s. */
  readonly demand?: DistributionSpec;
  /** Some requests miss a cache: other work, and time without CPU after it. */
  readonly miss?: {
    readonly probability: number;
    readonly demand?: DistributionSpec;
    readonly waitMs?: number;
  };
}

export interface ApplicationSpec {
  readonly name: string;
  readonly arrivals: ArrivalSpec;
  readonly services: readonly ServiceSpec[];
  /** @default one called `request` that the first service gets */
  readonly operations?: readonly OperationSpec[];
  /** Network delay between client and application, each way, ms. @default 0 */
  readonly networkMs?: number;
  /** An answer after this time counts as late, ms. @default never */
  readonly timeoutMs?: number;
  /** Most calls under way, waiting ones included; one more is rejected. @default 2000 */
  readonly inFlightMax?: number;
}

/** Whether a service calls itself, directly or through others. */
export function hasCircle(services: readonly Pick<ServiceSpec, 'steps'>[]): boolean {
  const state = new Uint8Array(services.length);
  const visit = (service: number): boolean => {
    if (state[service] === 2) return false;
    if (state[service] === 1) return true;
    state[service] = 1;
    const circular = (services[service]!.steps ?? []).some(({ calls }) =>
      calls.some((call) => visit(call.service)),
    );
    state[service] = 2;
    return circular;
  };
  return services.some((_, service) => visit(service));
}
