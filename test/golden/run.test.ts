/** One tiny run, exact: its summary and every decision. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Action, createPolicy, runPolicy } from '../../sim/index.ts';
import { expectGolden } from '../golden-file.ts';
import { smallEpisode, smallOracleOn, smallScenario } from '../small-episodes.ts';

const text = smallScenario(24);

function describeAction(action: Action): string {
  const vm = 'vm' in action ? ` VM ${action.vm}` : '';
  const pstate = 'pstate' in action ? ` to ${action.pstate}` : '';
  const host = 'host' in action ? ` host ${action.host}` : '';
  return `${action.type}${vm}${host}${pstate}`;
}

it('decides, line by line, and ends as stored', () => {
  const { twin, options, untilMs } = smallOracleOn(smallEpisode(11, text));
  const policy = createPolicy(
    { name: 'pabfd', maxUtilization: 0.6, frequency: 'ondemand' },
    'policy',
  );
  const transcript: string[] = [];
  const result = runPolicy(twin, policy, {
    ...options,
    untilMs,
    onDecision: ({ timeMs, plan, refused }) => {
      const actions = plan.actions.map(describeAction);
      transcript.push(`${timeMs / 1000} s: ${actions.join(', ') || 'nothing'}\n`);
      expect(refused).toEqual([]);
    },
  });
  const { summary, cost, objective, series } = result;
  const at = (name: string): string => join(import.meta.dirname, name);
  expectGolden(at('decisions.txt'), transcript.join(''));
  expectGolden(
    at('summary.json'),
    `${JSON.stringify({ objective, cost, summary, series }, null, 2)}\n`,
  );
});
