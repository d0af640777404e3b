/**
 * The baseline that does nothing clever: every host runs, waiting VMs go to the emptiest one, and
 * nothing ever moves. With another frequency rule it is that governor and nothing else.
 */
import { Draft } from './draft.ts';
import { frequencyOption, frequencyRule, setFrequencies } from './frequency.ts';
import { policyKind } from './kind.ts';
import { placePending } from './pending.ts';
import { worstFit } from './placement.ts';

export const allOn = policyKind({
  name: 'all-on',
  description:
    'keeps every host on, places waiting VMs on the emptiest host, never moves or switches off',
  options: { frequency: frequencyOption },
  shorthands: {
    none: {},
    performance: { frequency: 'performance' },
    powersave: { frequency: 'powersave' },
    ondemand: { frequency: 'ondemand' },
    conservative: { frequency: 'conservative' },
  },
  create: ({ frequency }) => {
    const draft = new Draft();
    const rule = frequencyRule(frequency);
    return {
      name: frequency === 'performance' ? 'all-on' : frequency,
      decide(cluster, plan) {
        draft.load(cluster, plan);
        while (draft.asleepCount > 0) draft.wake(draft.asleep[0]!);
        placePending(draft, worstFit);
        setFrequencies(draft, rule);
      },
    };
  },
});
