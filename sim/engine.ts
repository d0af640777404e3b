/**
 * The loop: take the next event, move the clock, run it. Trace ticks are one event for the whole
 * cohort and never enter the heap.
 */
import { limitTimer } from './accounting/power-limits.ts';
import { assert } from './errors.ts';
import { facilityTimer } from './facility/facility-meter.ts';
import { faultTimer } from './faults/events.ts';
import { followDemand, streamTimer } from './flows/streams.ts';
import { frequencyTimer } from './hosts/frequency.ts';
import { sampleGovernor } from './hosts/governing.ts';
import { heatTimer } from './hosts/heat.ts';
import { completePowerTransition } from './hosts/power-transitions.ts';
import { deadlineTimer, migrationTimer } from './migration/transfers.ts';
import { requestTimer } from './requests/events.ts';
import { applyDemandRow } from './tick.ts';
import { cancel, phaseOf, phases } from './timers.ts';
import { keepPromises } from './transitions.ts';
import type { Twin } from './twin.ts';
import { completeTasks, wakeTask } from './vms/tasks.ts';
import { admitVm, departVm } from './vms/vm-lifecycle.ts';

/** Called after every event; tests check invariants here. */
export type AfterEvent = (twin: Twin) => void;

/**
 * Runs all events up to and including `untilMs`, up to the phase `governor`, and leaves the clock
 * there: the next thing to happen at `untilMs` is a decision.
 */
export function advance(twin: Twin, untilMs: number, afterEvent?: AfterEvent): void {
  const { state } = twin;
  const { heap, heapSize, timerMs, nextTickMs, nowMs, eventsProcessed } = state;
  assert(untilMs >= nowMs[0]!, () => `cannot go back from ${nowMs[0]} ms to ${untilMs} ms`);
  for (;;) {
    const first = heapSize[0]! > 0 ? heap[0]! : -1;
    const eventMs = first < 0 ? Infinity : timerMs[first]!;
    const tickMs = nextTickMs[0]!;
    const tickFirst =
      tickMs < eventMs || (tickMs === eventMs && phases.demand < phaseOf(state, first));
    const timeMs = tickFirst ? tickMs : eventMs;
    if (timeMs > untilMs || timeMs === Infinity) break;
    nowMs[0] = timeMs;
    eventsProcessed[0]!++;
    if (tickFirst) {
      applyDemandRow(twin);
      followDemand(twin);
    } else {
      fire(twin, first);
    }
    afterEvent?.(twin);
  }
  nowMs[0] = untilMs;
}

function fire(twin: Twin, timer: number): void {
  const { state, timers } = twin;
  const phase = phaseOf(state, timer);
  cancel(state, timer);
  if (timer < timers.transition) completeTasks(twin, timer - timers.completion);
  else if (timer < timers.governor) {
    const host = timer - timers.transition;
    if (completePowerTransition(twin, host)) keepPromises(twin, host);
  } else if (timer < timers.frequency) sampleGovernor(twin, timer - timers.governor);
  else if (timer < timers.thermal) frequencyTimer(twin, timer - timers.frequency);
  else if (timer < timers.vm) heatTimer(twin, timer - timers.thermal);
  else if (timer < timers.task) {
    if (phase === phases.departure) departVm(twin, timer - timers.vm);
    else admitVm(twin, timer - timers.vm);
  } else if (timer < timers.flow) wakeTask(twin, timer - timers.task);
  else if (timer < timers.queue) flowTimer(twin, timer - timers.flow);
  else if (timer >= timers.faultSource) faultTimer(twin, timer);
  else if (timer >= timers.facility) facilityTimer(twin);
  else if (timer >= timers.limit) limitTimer(twin, timer - timers.limit);
  else if (timer >= timers.deadline) deadlineTimer(twin, timer - timers.deadline);
  else requestTimer(twin, timer);
}

function flowTimer(twin: Twin, flow: number): void {
  if (flow < twin.model.migrationsMax) migrationTimer(twin, flow);
  else streamTimer(twin, flow);
}
