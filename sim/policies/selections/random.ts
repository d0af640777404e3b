import type { Selection } from './selection.ts';

/** Any movable VM with equal probability. Draws one number, none when there is no choice. */
export const randomSelection: Selection = {
  name: 'rs',
  choose: (draft, host, chance) => {
    let count = 0;
    let only = -1;
    for (let vm = draft.firstVm[host]!; vm >= 0; vm = draft.nextVm[vm]!) {
      if (draft.movable[vm] === 0) continue;
      count++;
      only = vm;
    }
    if (count <= 1) return only;
    let skip = chance.integer(count);
    for (let vm = draft.firstVm[host]!; vm >= 0; vm = draft.nextVm[vm]!) {
      if (draft.movable[vm] === 1 && skip-- === 0) return vm;
    }
    return -1;
  },
};
