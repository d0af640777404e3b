/**
 * Moves work from hot hosts to cold ones. A host counts as hot when the load planned for it leads to
 * a temperature within `margin` of its limit, where it would slow down, or `threshold` above the mean
 * of the running hosts. Temperatures are where things are heading, not what sensors show: a reading
 * lags minutes behind the load, and moves that follow it overshoot.
 *
 *   T = inlet + R · P(planned load, fastest P-state)
 *
 * A VM goes to the host that will be coldest with it, and only where that host ends up colder than
 * the hot one was by `gain`, and is not made hot itself. So no two hosts exchange VMs for ever.
 * Balancing heat between hot and cold hosts: Stoess, Lang & Bellosa, USENIX ATC 2007.
 */
import { z } from 'zod';
import { Draft } from './draft.ts';
import { frequencyOption, frequencyRule, setFrequencies } from './frequency.ts';
import { lookbackOption, policyKind } from './kind.ts';
import { placePending } from './pending.ts';
import { type PlacementRule, worstFit } from './placement.ts';

interface Limits {
  /** K. */
  readonly margin: number;
  readonly threshold: number;
  readonly gain: number;
}

/** What one decision knows of heat. */
interface Heat {
  readonly limits: Limits;
  /** Mean temperature that the plan so far leads to, over running hosts that keep one, °C. */
  readonly meanC: number;
}

/** The host that will be coldest with the VM, °C. */
const coldest: PlacementRule = {
  name: 'coldest',
  score: (draft, demandMips, host) =>
    draft.cluster.steadyC(
      host,
      draft.cluster.powerW(host, 0, draft.plannedMips[host]! + demandMips),
    ) ?? Infinity,
  waking: 'last',
};

export const thermalBalance = policyKind({
  name: 'thermal-balance',
  description:
    'moves VMs from hosts that get too hot to the coldest ones, places waiting VMs where it stays coldest, never switches off',
  options: {
    margin: z.number().gte(0).default(2).describe('K below its limit at which a host is hot'),
    threshold: z
      .number()
      .gt(0)
      .default(10)
      .describe('K above the mean of the running hosts at which a host is hot'),
    gain: z
      .number()
      .gt(0)
      .default(1)
      .describe('K by which the target must end up colder than the hot host was'),
    maxUtilization: z
      .number()
      .gt(0)
      .lte(1)
      .default(0.9)
      .describe('fraction of a host that placement fills'),
    lookback: lookbackOption(3),
    frequency: frequencyOption,
  },
  create: ({ margin, threshold, gain, maxUtilization, lookback, frequency }) => {
    const draft = new Draft();
    const governor = frequencyRule(frequency);
    return {
      name: 'thermal-balance',
      decide(cluster, plan) {
        draft.load(cluster, plan, lookback);
        for (let host = 0; host < cluster.hosts; host++) {
          draft.limitMips[host] = maxUtilization * draft.peakMips[host]!;
        }
        placePending(draft, knowsHeat(draft) ? coldest : worstFit);
        const heat = { limits: { margin, threshold, gain }, meanC: meanC(draft) };
        coolAll(draft, heat);
        setFrequencies(draft, governor);
      },
    };
  },
});

/** Whether every host keeps a temperature; without, cold ones cannot be told. */
function knowsHeat({ cluster }: Draft): boolean {
  for (let host = 0; host < cluster.hosts; host++) {
    if (cluster.temperatureC(host) === undefined) return false;
  }
  return true;
}

/** Temperature that `mips` on the host lead to, °C; NaN where none is kept. */
function headingC({ cluster }: Draft, host: number, mips: number): number {
  return cluster.steadyC(host, cluster.powerW(host, 0, mips)) ?? Number.NaN;
}

/** NaN without temperatures. */
function meanC(draft: Draft): number {
  let sum = 0;
  let count = 0;
  for (let index = 0; index < draft.awakeCount; index++) {
    const host = draft.awake[index]!;
    const at = headingC(draft, host, draft.plannedMips[host]!);
    if (Number.isNaN(at)) continue;
    sum += at;
    count++;
  }
  return sum / count;
}

/** By how much a host that is heading for `atC` passes what its limit allows, K; −Infinity without. */
function overLimitK({ cluster }: Draft, host: number, atC: number, { limits }: Heat): number {
  const capW = cluster.powerCapW(host);
  if (capW === Infinity) return -Infinity;
  return atC - (cluster.steadyC(host, capW)! - limits.margin);
}

const isAboveMean = (atC: number, { limits, meanC: mean }: Heat): boolean =>
  atC > mean + limits.threshold;

interface HotHost {
  readonly host: number;
  readonly atC: number;
  /** It will have to slow down. */
  readonly over: boolean;
}

/**
 * One VM at a time from the host that needs it most: so the first hot host does not take all the
 * room there is on cold ones.
 */
function coolAll(draft: Draft, heat: Heat): void {
  const stuck = new Set<number>();
  while (draft.plan.canMigrate) {
    const hot = hottest(draft, heat, stuck);
    if (hot === undefined) return;
    if (!moveOne(draft, hot, heat)) stuck.add(hot.host);
  }
}

/** The host furthest over its limit, else the hottest above the mean, of those not in `but`. */
function hottest(draft: Draft, heat: Heat, but: ReadonlySet<number>): HotHost | undefined {
  let best: HotHost | undefined;
  let bestRank = -Infinity;
  for (let index = 0; index < draft.awakeCount; index++) {
    const host = draft.awake[index]!;
    const atC = headingC(draft, host, draft.plannedMips[host]!);
    const overK = overLimitK(draft, host, atC, heat);
    const over = overK >= 0;
    if (but.has(host) || !(over || isAboveMean(atC, heat))) continue;
    // No temperature comes near the step between the two kinds.
    const rank = over ? overKelvinFirst + overK : atC;
    if (rank <= bestRank) continue;
    best = { host, atC, over };
    bestRank = rank;
  }
  return best;
}

const overKelvinFirst = 1e6;

/**
 * Moves the smallest VM whose going is enough, or else the largest one that has somewhere to go.
 * A host above its limit may heat another above the mean, but none above its limit.
 */
function moveOne(draft: Draft, hot: HotHost, heat: Heat): boolean {
  const { host } = hot;
  const { demandMips, plannedMips } = draft;
  const isCool = (mips: number): boolean => {
    const afterC = headingC(draft, host, mips);
    return overLimitK(draft, host, afterC, heat) < 0 && !isAboveMean(afterC, heat);
  };
  const rising = movableVms(draft, host).sort((a, b) => demandMips[a]! - demandMips[b]! || a - b);
  const enough = rising.findIndex((vm) => isCool(plannedMips[host]! - demandMips[vm]!));
  const order =
    enough < 0 ? rising.reverse() : [...rising.slice(enough), ...rising.slice(0, enough).reverse()];
  for (const vm of order) {
    // Without its demand the host would be as hot.
    if (demandMips[vm] === 0) continue;
    const target = coldestTarget(draft, vm, hot, heat);
    if (target < 0) continue;
    draft.migrate(vm, target);
    return true;
  }
  return false;
}

function movableVms(draft: Draft, host: number): number[] {
  const vms: number[] = [];
  for (let vm = draft.firstVm[host]!; vm >= 0; vm = draft.nextVm[vm]!) {
    if (draft.movable[vm] === 1) vms.push(vm);
  }
  return vms;
}

/** Running host with room that stays coldest with the VM, by at least the gain; -1 for none. */
function coldestTarget(draft: Draft, vm: number, source: HotHost, heat: Heat): number {
  const { cluster } = draft;
  const memoryBytes = cluster.vmMemoryBytes(vm);
  let best = -1;
  let bestC = source.atC - heat.limits.gain;
  for (let index = 0; index < draft.awakeCount; index++) {
    const host = draft.awake[index]!;
    if (host === source.host || !draft.fits(vm, memoryBytes, host)) continue;
    const afterC = headingC(draft, host, draft.plannedMips[host]! + draft.demandMips[vm]!);
    if (!(afterC < bestC) || overLimitK(draft, host, afterC, heat) >= 0) continue;
    if (!source.over && isAboveMean(afterC, heat)) continue;
    best = host;
    bestC = afterC;
  }
  return best;
}
