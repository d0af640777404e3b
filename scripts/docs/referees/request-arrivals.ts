/** The arrivals of one application, made anew from the run's seed by the rules of its source. */

import type { ArrivalSpec } from '../../../sim/index.ts';
import { log } from '../../../sim/numbers/exact-math.ts';
import { nextUint32, seedStream, wordsPerStream } from '../../../sim/numbers/rng.ts';

export interface Arrival {
  readonly timeMs: number;
  readonly seed: number;
}

export function arrivalsOf(
  name: string,
  arrivals: Exclude<ArrivalSpec, { type: 'clients' }>,
  runSeed: number,
  untilMs: number,
): Arrival[] {
  const words = new Uint32Array(wordsPerStream);
  seedStream(words, 0, runSeed, `requests of ${name}`);
  const exponential = (): number => -log((nextUint32(words, 0) + 0.5) / 2 ** 32);
  const rates =
    arrivals.type === 'mmpp'
      ? arrivals.states.map(({ perS, meanMs }) => ({ perS, holds: () => meanMs * exponential() }))
      : arrivals.type === 'trace'
        ? arrivals.perS.map((perS) => ({ perS, holds: () => arrivals.stepMs }))
        : [{ perS: arrivals.perS, holds: () => Infinity }];
  const found: Arrival[] = [];
  let nowMs = 0;
  for (let index = 0; nowMs <= untilMs; index++) {
    const { perS, holds } = rates[index % rates.length]!;
    const endMs = nowMs + holds();
    for (;;) {
      const gap = perS === 0 ? Infinity : arrivals.type === 'regular' ? 1 : exponential();
      const nextMs = nowMs + (gap * 1000) / perS;
      if (perS === 0 || nextMs >= endMs || nextMs > untilMs) break;
      nowMs = nextMs;
      found.push({ timeMs: nowMs, seed: nextUint32(words, 0) });
    }
    nowMs = endMs;
  }
  return found;
}
