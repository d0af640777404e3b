/** Random applications: graphs of services with replicas, variants and every kind of arrival. */
import {
  type ApplicationSpec,
  type ArrivalSpec,
  balanceRules,
  type DistributionSpec,
  type OperationSpec,
  type ServiceSpec,
  type StepSpec,
} from '../../sim/index.ts';
import type { Dice } from './dice.ts';

/** What the parts of a case must agree on. */
export interface Sizes {
  readonly hosts: number;
  readonly vms: number;
  readonly spanMs: number;
}

/** Applications whose replicas are VMs from `firstVm` on. */
export function randomApplications(
  dice: Dice,
  firstVm: number,
  spanMs: number,
): { readonly applications: readonly ApplicationSpec[]; readonly vms: number } {
  let next = firstVm;
  const applications = dice.list(dice.integer(1, 2), (index): ApplicationSpec => {
    const count = dice.integer(1, 3);
    const services = dice.list(count, (service) => {
      const replicas = dice.list(dice.integer(1, 3), () => next++);
      return randomService(dice, service, count, replicas, spanMs);
    });
    return {
      name: `application-${index}`,
      arrivals: randomArrivals(dice, spanMs),
      services,
      ...(dice.chance(0.5) ? { operations: randomOperations(dice, count, spanMs) } : {}),
      ...(dice.chance(0.4) ? { networkMs: dice.pick([0.5, spanMs / 1000]) } : {}),
      ...(dice.chance(0.4) ? { timeoutMs: spanMs / 300 } : {}),
      ...(dice.chance(0.4) ? { inFlightMax: dice.integer(1, 30) } : { inFlightMax: 200 }),
    };
  });
  return { applications, vms: next - firstVm };
}

/** Work of about so many thousandths of the story on 1000 MIPS. */
function randomDemand(dice: Dice, spanMs: number): DistributionSpec {
  const mean = dice.pick([0, 0.1, 1, 6]) * (spanMs / 1000);
  return dice.pick<DistributionSpec>([
    { type: 'constant', mean },
    { type: 'exponential', mean },
    { type: 'uniform', min: 0, max: 2 * mean },
    { type: 'lognormal', mean, scv: 2 },
    { type: 'hyperexponential', mean, scv: 4 },
    { type: 'empirical', values: [0, mean, 3 * mean] },
  ]);
}

function randomArrivals(dice: Dice, spanMs: number): ArrivalSpec {
  const perS = (dice.pick([5, 60, 300]) * 1000) / spanMs;
  return dice.pick<ArrivalSpec>([
    { type: 'poisson', perS },
    { type: 'regular', perS },
    {
      type: 'mmpp',
      states: [
        { perS: 0, meanMs: spanMs / 10 },
        { perS: 2 * perS, meanMs: spanMs / 20 },
      ],
    },
    { type: 'trace', perS: [perS, 0, 3 * perS], stepMs: spanMs / 9 },
    {
      type: 'clients',
      clients: dice.integer(1, 8),
      thinkMs: { type: 'exponential', mean: spanMs / 40 },
      backoffMs: spanMs / 100,
    },
  ]);
}

/** Calls go to later services only, so there is no circle. */
function randomService(
  dice: Dice,
  index: number,
  count: number,
  replicas: readonly number[],
  spanMs: number,
): ServiceSpec {
  const variants = dice.list(dice.integer(1, 3), (variant) => ({
    name: `variant-${variant}`,
    demand: randomDemand(dice, spanMs),
    accuracy: 0.9,
    ...(dice.chance(0.3) ? { memoryBytes: dice.pick([1, 4e9]) } : {}),
  }));
  const later = dice.list(count - index - 1, (offset) => index + 1 + offset);
  const steps =
    later.length === 0 ? [] : dice.list(dice.integer(0, 2), () => randomStep(dice, later, spanMs));
  return {
    name: `service-${index}`,
    replicas,
    active: dice.integer(1, replicas.length),
    balance: dice.pick(balanceRules),
    queueMax: dice.pick([1, 10, 100]),
    ...(dice.chance(0.3) ? { wakeMs: spanMs / 2000 } : {}),
    ...(dice.chance(0.3) ? { switchMs: spanMs / 50 } : {}),
    variants,
    ...(steps.length === 0 ? {} : { steps }),
  };
}

function randomStep(dice: Dice, services: readonly number[], spanMs: number): StepSpec {
  const parallel = dice.chance(0.5);
  const calls = dice.list(parallel ? dice.integer(1, 2) : 1, () => ({
    service: dice.pick(services),
    count: dice.pick([0.5, 1, 2, 2.5]),
    ...(dice.chance(0.3) ? { networkMs: spanMs / 5000 } : {}),
  }));
  return { parallel, calls };
}

function randomOperations(dice: Dice, services: number, spanMs: number): OperationSpec[] {
  return dice.list(dice.integer(1, 3), (index) => ({
    name: `operation-${index}`,
    share: dice.integer(1, 5),
    service: dice.integer(0, services - 1),
    ...(dice.chance(0.3) ? { demand: randomDemand(dice, spanMs) } : {}),
    ...(dice.chance(0.3)
      ? { miss: { probability: 0.3, demand: randomDemand(dice, spanMs), waitMs: spanMs / 500 } }
      : {}),
  }));
}
