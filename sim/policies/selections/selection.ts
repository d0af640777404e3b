/** What a selection is: the VM that an overloaded host gives up next. */
import type { Chance } from '../../policy.ts';
import type { Draft } from '../draft.ts';

export interface Selection {
  readonly name: string;
  /** One movable VM of the host, -1 when there is none. */
  readonly choose: (draft: Draft, host: number, chance: Chance) => number;
}
