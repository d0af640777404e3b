/** Electric energy as the hosts' meters stand, read without settling them. */
import type { Twin } from './twin.ts';

export const joulesPerKwh = 3.6e6;

/** Electric energy of all hosts up to now, J; reads without settling. */
export function energyNowJ(twin: Twin): number {
  let energyJ = 0;
  for (let host = 0; host < twin.model.hosts; host++) energyJ += hostEnergyNowJ(twin, host);
  return energyJ;
}

/** Electric energy of one host up to now, J; reads without settling. */
export function hostEnergyNowJ(twin: Twin, host: number): number {
  const { state } = twin;
  const elapsedS = (state.nowMs[0]! - state.hostSinceMs[host]!) / 1000;
  return state.hostEnergyJ[host]! + state.hostPowerW[host]! * elapsedS;
}
