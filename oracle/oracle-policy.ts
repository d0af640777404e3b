/**
 * The oracle as a policy: at every decision it searches forks of the very twin it decides for, so
 * it knows the future demand within its horizon. It bounds what any policy can reach with the same
 * candidates; it cannot run on live hosts.
 */
import { assert, type Policy, proposers, type Twin, TwinView } from '../sim/index.ts';
import { type OracleOptions, rolloutSpecOf, searchSpecOf } from './options.ts';
import { searchHere } from './search.ts';

/** A policy that carries out the best plan its search finds at every decision. */
export function oraclePolicy(options: OracleOptions): Policy {
  const policies = proposers();
  const searchSpec = searchSpecOf(options);
  const rolloutSpec = rolloutSpecOf(options);
  let scratch: Twin | undefined;
  return {
    name: 'oracle',
    decide(cluster, plan, chance) {
      assert(cluster instanceof TwinView, () => 'the oracle decides only inside a twin');
      const { twin } = cluster;
      if (scratch?.model !== twin.model) scratch = twin.fork();
      const ranked = searchHere(twin, scratch, chance, policies, searchSpec, rolloutSpec);
      for (const action of ranked[0]?.actions ?? []) plan.add(action);
    },
  };
}
