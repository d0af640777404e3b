import type { Selection } from './selection.ts';

/** The VM that uses the least fraction of its own size. Ties go to the lowest id. */
export const minimumUtilization: Selection = {
  name: 'mu',
  choose: (draft, host) => {
    const { cluster } = draft;
    let best = -1;
    let bestFraction = Infinity;
    for (let vm = draft.firstVm[host]!; vm >= 0; vm = draft.nextVm[vm]!) {
      if (draft.movable[vm] === 0) continue;
      const fraction = draft.demandMips[vm]! / (cluster.vcpus(vm) * cluster.vcpuMips(vm));
      if (fraction < bestFraction) {
        best = vm;
        bestFraction = fraction;
      }
    }
    return best;
  },
};
