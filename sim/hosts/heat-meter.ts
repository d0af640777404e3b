/** Temperatures of hosts: kept exact between events, and when to look at them next (`heat.ts`). */
import { steadyC, steadyCapW, temperatureAfterC, timeToReachS } from '../thermal/rc.ts';
import { cancel, phases, schedule } from '../timers.ts';
import type { Twin } from '../twin.ts';

/** Brings the temperature of `host` up to `elapsedS` after its last settling. */
export function settleHeat(twin: Twin, host: number, elapsedS: number): void {
  const { model, state } = twin;
  const heat = model.hostHeat[host];
  if (heat === undefined) return;
  const sinceC = state.hostTemperatureC[host]!;
  const powerW = state.hostPowerW[host]!;
  state.hostTemperatureC[host] = temperatureAfterC(heat, sinceC, heat.inletC, powerW, elapsedS);
}

/** Temperature now, °C; reads without settling. `undefined` where none is kept. */
export function temperatureNowC(twin: Twin, host: number): number | undefined {
  const { model, state } = twin;
  const heat = model.hostHeat[host];
  if (heat === undefined) return undefined;
  const elapsedS = (state.nowMs[0]! - state.hostSinceMs[host]!) / 1000;
  const sinceC = state.hostTemperatureC[host]!;
  return temperatureAfterC(heat, sinceC, heat.inletC, state.hostPowerW[host]!, elapsedS);
}

/** Power that the host may draw forever without passing its limit, W; Infinity without one. */
export function thermalCapW(twin: Twin, host: number): number {
  const heat = twin.model.hostHeat[host];
  if (heat?.limitC === undefined) return Infinity;
  return steadyCapW(heat, heat.inletC, heat.limitC);
}

/** Temperature that constant power would lead to, °C; `undefined` where none is kept. */
export function steadyTemperatureC(twin: Twin, host: number, powerW: number): number | undefined {
  const heat = twin.model.hostHeat[host];
  return heat === undefined ? undefined : steadyC(heat, heat.inletC, powerW);
}

/** The moment at which a limit is met is rounded: a microkelvin below counts. */
export const isAtLimit = (temperatureC: number, limitC: number): boolean =>
  temperatureC >= limitC - 1e-6;

/** Plans the settled host's next look after its power changed. */
export function watchHeat(twin: Twin, host: number): void {
  const { model, state, timers } = twin;
  const heat = model.hostHeat[host]!;
  const nowMs = state.nowMs[0]!;
  const timer = timers.thermal + host;
  const isThrottled = state.hostFastestPstate[host]! > 0;
  const temperatureC = state.hostTemperatureC[host]!;
  const limitC = heat.limitC ?? Infinity;
  const atLimit = isThrottled || isAtLimit(temperatureC, limitC);
  const looksOften = model.componentStart[host]! >= 0 || (limitC < Infinity && atLimit);
  let dueMs = Infinity;
  if (looksOften) {
    dueMs = nowMs + (heat.everyMs ?? 10_000);
    // Changes in between do not put the look off.
    if (state.heapPosition[timer]! >= 0) dueMs = Math.min(dueMs, state.timerMs[timer]!);
  } else if (limitC < Infinity) {
    const powerW = state.hostPowerW[host]!;
    dueMs = nowMs + timeToReachS(heat, temperatureC, heat.inletC, powerW, limitC) * 1000;
    // The clock may not resolve what is left of the way.
    if (dueMs <= nowMs) dueMs = nowMs + 1;
  }
  if (dueMs === Infinity) cancel(state, timer);
  else schedule(state, timer, dueMs, phases.governor, host);
}
