/**
 * A plain twin of the request queues: all calls of all replicas are walked through from one change to
 * the next, each with the work it has left, O(calls) an event. It shares nothing with the twin but
 * the specification: it is given when requests arrive, and draws what they do from the same seeds.
 */

import type { ApplicationSpec, DistributionSpec } from '../../../sim/index.ts';
import { DistributionTableBuilder, sample } from '../../../sim/requests/distribution.ts';
import { drawAt, drawFloat, drawWord } from '../../../sim/requests/draws.ts';

/** What the VMs of the replicas receive. */
export interface Capacity {
  /** When it may change, ms. */
  readonly changesMs: readonly number[];
  /** CPU of the replica of `service` at `timeMs` with so many calls in it, MIPS. */
  mips(service: number, calls: number, timeMs: number): number;
}

export interface Ended {
  readonly operation: number;
  readonly sentMs: number;
  readonly endedMs: number;
}

interface Call {
  readonly operation: number;
  readonly service: number;
  readonly seed: number;
  readonly sentMs: number;
  readonly edgeMs: number;
  readonly answered: () => void;
}

interface Working {
  readonly call: Call;
  leftMi: number;
}

/**
 * Runs one application with a single always-active replica per service and no limits.
 *
 * @param arrivals Time and seed of every request.
 */
export function bruteForce(
  spec: ApplicationSpec,
  arrivals: readonly { readonly timeMs: number; readonly seed: number }[],
  capacity: Capacity,
  untilMs: number,
): Ended[] {
  const { services } = spec;
  const operations = spec.operations ?? [{ name: 'request', share: 1, service: 0 }];
  const shares = operations.reduce((sum, { share }) => sum + share, 0);
  const ended: Ended[] = [];
  const queues: Working[][] = services.map(() => []);
  let later: { timeMs: number; run: () => void }[] = arrivals.map(({ timeMs, seed }) => ({
    timeMs,
    run: () => request(seed),
  }));
  for (const timeMs of capacity.changesMs) later.push({ timeMs, run: () => {} });
  let nowMs = 0;

  const draw = (distribution: DistributionSpec, seed: number): number => {
    const table = new DistributionTableBuilder();
    const row = table.row(distribution);
    return sample(table.build(), row, seed, drawAt.demand);
  };
  const wait = (ms: number, run: () => void): void => {
    if (ms > 0) later.push({ timeMs: nowMs + ms, run });
    else run();
  };

  function request(seed: number): void {
    let operation = 0;
    let upTo = operations[0]!.share / shares;
    while (operation < operations.length - 1 && drawFloat(seed, drawAt.operation) >= upTo) {
      upTo += operations[++operation]!.share / shares;
    }
    const sentMs = nowMs;
    const answered = (): void => {
      ended.push({ operation, sentMs, endedMs: nowMs });
    };
    const { service } = operations[operation]!;
    send({ operation, service, seed, sentMs, edgeMs: spec.networkMs ?? 0, answered }, true);
  }

  function send(call: Call, isRequest: boolean): void {
    wait(call.edgeMs, () => {
      const operation = operations[call.operation]!;
      const service = services[call.service]!;
      const missed =
        isRequest &&
        operation.miss !== undefined &&
        drawFloat(call.seed, drawAt.miss) < operation.miss.probability;
      const own = isRequest
        ? ((missed ? operation.miss?.demand : undefined) ?? operation.demand)
        : undefined;
      const leftMi = draw(own ?? service.variants[service.variant ?? 0]!.demand, call.seed);
      const after = missed ? (operation.miss?.waitMs ?? 0) : 0;
      const done = { ...call, answered: () => wait(after, () => step(call, 0, { made: 0 })) };
      queues[call.service]!.push({ call: done, leftMi });
    });
  }

  /** Lets `call` make the calls of its step `index` and the following ones, then answer. */
  function step(call: Call, index: number, count: { made: number }): void {
    const steps = (services[call.service]!.steps ?? []).flatMap((one) =>
      one.parallel ? [one] : one.calls.map((single) => ({ parallel: false, calls: [single] })),
    );
    if (index === steps.length) {
      wait(call.edgeMs, call.answered);
      return;
    }
    const edgesBefore = steps.slice(0, index).reduce((sum, one) => sum + one.calls.length, 0);
    const { parallel, calls } = steps[index]!;
    const toMake = calls.flatMap((edge, at) => {
      const whole = Math.floor(edge.count);
      const drawn = drawFloat(call.seed, drawAt.children + 2 * (edgesBefore + at));
      return Array.from({ length: whole + (drawn < edge.count - whole ? 1 : 0) }, () => edge);
    });
    const next = (): void => step(call, index + 1, count);
    const make = (edge: (typeof calls)[number], answered: () => void): void => {
      const seed = drawWord(call.seed, drawAt.children + 2 * count.made++ + 1);
      const { service, networkMs = 0 } = edge;
      send(
        { operation: call.operation, service, seed, sentMs: nowMs, edgeMs: networkMs, answered },
        false,
      );
    };
    if (toMake.length === 0) {
      next();
    } else if (parallel) {
      let open = toMake.length;
      for (const edge of toMake) make(edge, () => --open === 0 && next());
    } else {
      let left = toMake.length;
      const one = (): void => {
        if (left-- > 0) make(toMake[0]!, one);
        else next();
      };
      one();
    }
  }

  const rateOf = (service: number): number => {
    const calls = queues[service]!.length;
    return calls === 0 ? 0 : capacity.mips(service, calls, nowMs) / calls;
  };

  for (;;) {
    let nextMs = Infinity;
    for (const { timeMs } of later) nextMs = Math.min(nextMs, timeMs);
    let finishing: { queue: Working[]; working: Working } | undefined;
    queues.forEach((queue, service) => {
      const rate = rateOf(service);
      for (const working of queue) {
        const doneMs = rate > 0 ? nowMs + (working.leftMi / rate) * 1000 : Infinity;
        if (doneMs >= nextMs) continue;
        nextMs = doneMs;
        finishing = { queue, working };
      }
    });
    if (nextMs > untilMs) return ended;
    queues.forEach((queue, service) => {
      const rate = rateOf(service);
      for (const working of queue) working.leftMi -= (rate * (nextMs - nowMs)) / 1000;
    });
    nowMs = nextMs;
    if (finishing !== undefined) {
      const { queue, working } = finishing;
      queue.splice(queue.indexOf(working), 1);
      working.call.answered();
      continue;
    }
    const due = later.filter(({ timeMs }) => timeMs === nextMs);
    later = later.filter(({ timeMs }) => timeMs !== nextMs);
    for (const { run } of due) run();
  }
}
