/**
 * Consolidation by one placement rule: pack VMs onto few hosts up to a limit, move some away from
 * a host only when it is asked for more than it has, and let the rest sleep.
 *
 * Against moving to and fro: between the limit and capacity nothing moves, and a VM counts with its
 * highest recent demand, so a short lull empties no host.
 */
import { z } from 'zod';
import { Draft } from './draft.ts';
import { createDrainer, switchOffEmpty } from './drain.ts';
import { frequencyOption, frequencyRule, setFrequencies } from './frequency.ts';
import { lookbackOption, type PolicyKind, policyKind } from './kind.ts';
import { placePending } from './pending.ts';
import { bestFit, firstFit, type PlacementRule, powerAwareFit, worstFit } from './placement.ts';
import { type HostLimit, relieve } from './relieve.ts';
import { minimumMigrationTime } from './selections/minimum-migration-time.ts';

/** Between the limit and this, demand may vary without anything moving. */
const capacity: HostLimit = (draft, host) => draft.peakMips[host]!;

function consolidation(name: string, description: string, rule: PlacementRule): PolicyKind {
  return policyKind({
    name,
    description: `${description}; drains the least-used hosts and switches off empty ones`,
    options: {
      maxUtilization: z
        .number()
        .gt(0)
        .lte(1)
        .default(0.8)
        .describe('fraction of a host that placement fills; above its capacity VMs move away'),
      lookback: lookbackOption(3),
      frequency: frequencyOption,
    },
    create: ({ maxUtilization, lookback, frequency }) => {
      const draft = new Draft();
      const drainer = createDrainer();
      const governor = frequencyRule(frequency);
      const limit: HostLimit = (_, host) => maxUtilization * draft.peakMips[host]!;
      return {
        name,
        decide(cluster, plan, chance) {
          draft.load(cluster, plan, lookback);
          for (let host = 0; host < cluster.hosts; host++) {
            draft.limitMips[host] = limit(draft, host);
          }
          placePending(draft, rule);
          relieve(draft, rule, minimumMigrationTime, capacity, limit, chance);
          drainer.drain(draft, rule);
          switchOffEmpty(draft);
          setFrequencies(draft, governor);
        },
      };
    },
  });
}

export const consolidations: readonly PolicyKind[] = [
  consolidation('first-fit', 'places on the first host that fits', firstFit),
  consolidation('best-fit', 'places on the fullest host that fits', bestFit),
  consolidation('worst-fit', 'places on the emptiest host that fits', worstFit),
  consolidation('pabfd', 'places where power rises least, waking included', powerAwareFit),
];
