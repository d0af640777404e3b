/**
 * A host looks at its temperature. Two things depend on it: the power of hosts described by their
 * parts (leakage, fans), and the limit, above which a host slows down by one P-state at a look, as
 * firmware does, until it has cooled by the hysteresis.
 */

import { settleHost, shareHost } from '../sharing.ts';
import { hostPower } from '../status.ts';
import type { Twin } from '../twin.ts';
import { limitPstates } from './frequency.ts';
import { isAtLimit } from './heat-meter.ts';

/** The host looks at its temperature. */
export function heatTimer(twin: Twin, host: number): void {
  const { model, state } = twin;
  const heat = model.hostHeat[host]!;
  settleHost(twin, host, state.nowMs[0]!);
  const limitC = heat.limitC ?? Infinity;
  const nowC = state.hostTemperatureC[host]!;
  const fastest = state.hostFastestPstate[host]!;
  const isOn = state.hostPower[host] === hostPower.on;
  const isHot = isAtLimit(nowC, limitC);
  const isCool = nowC <= limitC - (heat.hysteresisK ?? 3);
  if (isOn && isHot && fastest < model.hostPstates[host]! - 1) {
    limitPstates(twin, host, fastest + 1);
  } else if (isCool && fastest > 0) {
    limitPstates(twin, host, fastest - 1);
  }
  // New power at the new temperature, and the next look.
  shareHost(twin, host);
}
