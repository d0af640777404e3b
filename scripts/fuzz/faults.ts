/** Random faults: hosts alone and together, traces of failures, VMs, migrations, telemetry. */
import type { FaultsSpec, LifetimeSpec, TelemetryFaultSpec } from '../../sim/index.ts';
import type { Sizes } from './applications.ts';
import type { Dice } from './dice.ts';

export function randomFaults(dice: Dice, { hosts, spanMs }: Sizes): FaultsSpec {
  const up = (): LifetimeSpec => lifetime(dice, spanMs * dice.pick([0.05, 0.3, 1]));
  const down = (): LifetimeSpec => lifetime(dice, spanMs * dice.pick([0.001, 0.03, 0.2]));
  const all = Array.from({ length: hosts }, (_, host) => host);
  const some = (): number[] => {
    const chosen = all.filter(() => dice.chance(0.6));
    return chosen.length > 0 ? chosen : [0];
  };
  const hostFaults = dice.list(dice.integer(0, 2), () => ({
    hosts: some(),
    together: dice.chance(0.4),
    upMs: up(),
    downMs: down(),
  }));
  const traces = dice.list(dice.pick([0, 0, 1]), () => ({
    hosts: some(),
    rows: dice.list(dice.integer(1, 4), () => ({
      intervalMs: dice.pick([0, spanMs / 7, spanMs / 3]),
      durationMs: dice.pick([1, spanMs / 50, spanMs / 5]),
      intensity: dice.pick([0.01, 0.5, 1]),
    })),
    repeat: dice.chance(0.5),
  }));
  const telemetry = dice.list(
    dice.pick([0, 1, 3]),
    (): TelemetryFaultSpec => ({
      kind: dice.pick(['stale', 'missing', 'clock'] as const),
      upMs: up(),
      downMs: down(),
      scope: dice.pick(['vm', 'host', 'all'] as const),
      intervals: dice.integer(0, 4),
      jumpMs: spanMs * dice.pick([-2, -0.1, 0.01, 5]),
    }),
  );
  return {
    ...(hostFaults.length === 0 ? {} : { hosts: hostFaults }),
    ...(traces.length === 0 ? {} : { traces }),
    ...(telemetry.length === 0 ? {} : { telemetry }),
    ...(dice.chance(0.4) ? { vms: { upMs: up() } } : {}),
    ...(dice.chance(0.5)
      ? {
          migrations: {
            failProbability: dice.pick([0, 0.3, 1]),
            slowProbability: dice.pick([0, 0.5]),
            slowFactor: dice.pick([0.05, 0.5]),
          },
        }
      : {}),
    crashedVms: dice.pick(['pending', 'pending', 'lost'] as const),
    restartMs: dice.pick([0, 0, 1, spanMs / 30]),
    repaired: dice.pick(['on', 'off'] as const),
  };
}

function lifetime(dice: Dice, mean: number): LifetimeSpec {
  return dice.pick<LifetimeSpec>([
    { type: 'constant', mean },
    { type: 'exponential', mean },
    { type: 'weibull', mean, shape: 0.7 },
    { type: 'gamma', mean, shape: dice.pick([0.5, 3]) },
    { type: 'lognormal', mean, scv: 2 },
  ]);
}
