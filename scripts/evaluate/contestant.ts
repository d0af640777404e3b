/** Who takes part in an evaluation, as plain data that a worker can turn into a policy. */
import { readFileSync } from 'node:fs';
import { decodePolicy, neuralPolicy } from '../../learner/index.ts';
import { defaultOracle, type OracleOptions, oraclePolicy } from '../../oracle/index.ts';
import { createPolicy, inputError, type Policy } from '../../sim/index.ts';

export type Contestant =
  | { readonly type: 'heuristic'; readonly name: string; readonly spec: unknown }
  | { readonly type: 'oracle'; readonly name: string }
  | { readonly type: 'learned'; readonly name: string; readonly checkpoint: string };

export function policyOf(
  contestant: Contestant,
  decides: Pick<OracleOptions, 'decisionEveryMs' | 'budget' | 'objective'>,
): Policy {
  switch (contestant.type) {
    case 'heuristic':
      return createPolicy(contestant.spec, contestant.name);
    case 'oracle':
      return oraclePolicy({ ...defaultOracle, ...decides });
    case 'learned': {
      const bytes = readCheckpoint(contestant.checkpoint);
      return neuralPolicy(contestant.name, decodePolicy(bytes, contestant.checkpoint));
    }
  }
}

function readCheckpoint(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'error';
    throw inputError(path, 'a readable checkpoint', code);
  }
}

/**
 * The heuristics that an evaluation compares by default: each at its published or usual setting,
 * and the packing family also tuned, so that the bar is the best that settings can reach.
 */
export const defaultHeuristics: readonly Contestant[] = [
  heuristic('all-on', 'all-on'),
  heuristic('first-fit', 'first-fit'),
  heuristic('worst-fit', 'worst-fit'),
  ...[0.5, 0.6, 0.7, 0.8].flatMap((limit) => [
    heuristic(`best-fit ${limit}`, { name: 'best-fit', maxUtilization: limit }),
    heuristic(`pabfd ${limit}`, { name: 'pabfd', maxUtilization: limit }),
  ]),
  heuristic('thr-mmt', 'thr-mmt'),
  heuristic('iqr-mmt', 'iqr-mmt'),
  heuristic('mad-mmt', 'mad-mmt'),
  heuristic('lr-mmt', 'lr-mmt'),
  heuristic('lrr-mmt', 'lrr-mmt'),
  heuristic('pabfd 0.6 ondemand', { name: 'pabfd', maxUtilization: 0.6, frequency: 'ondemand' }),
];

function heuristic(name: string, spec: unknown): Contestant {
  return { type: 'heuristic', name, spec };
}

/** A policy as named on the command line: `oracle`, `learned`, or what `createPolicy` knows. */
export function contestantNamed(name: string, checkpoint: string | undefined): Contestant {
  if (name === 'oracle') return { type: 'oracle', name };
  if (name === 'learned' && checkpoint !== undefined) return { type: 'learned', name, checkpoint };
  const known = defaultHeuristics.find((contestant) => contestant.name === name);
  const contestant = known ?? heuristic(name, name);
  if (contestant.type === 'heuristic') createPolicy(contestant.spec, `--policies ${name}`);
  return contestant;
}
