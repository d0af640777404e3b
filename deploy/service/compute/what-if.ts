/** What would become of a cluster if operations were carried out: `POST /v1/whatif`. */
import { type Action, applyAction } from '../../../sim/index.ts';
import type { Operation } from '../../actions/operation.ts';
import { guard } from '../../control/guard/guard.ts';
import type { PlanItem, Prediction, Refusal } from '../../decision.ts';
import { type LiveTwin, liveTwin } from '../../twin/live-twin.ts';
import { predict, predictItems } from '../../twin/predict.ts';
import type { WhatIfRequest } from '../api/requests.ts';
import { guardingAlways, horizonOf, objectiveOf, type Surroundings } from './questions.ts';

export interface WhatIfAnswer {
  readonly atMs: number;
  readonly before: Prediction;
  readonly after: Prediction;
  readonly items: readonly PlanItem[];
}

/** Operations beyond this many are foretold together only. */
const forecastsMax = 50;

export function whatIf(request: WhatIfRequest, surroundings: Surroundings): WhatIfAnswer {
  const { snapshot, operations } = request;
  const outlook = {
    horizon: horizonOf(request.horizon, surroundings),
    objective: objectiveOf(request.objective, surroundings),
  };
  const live = liveTwin(snapshot, { horizon: outlook.horizon });
  const { limits, past, nowMs } = guardingAlways(request.limits, surroundings);
  const forbidden = guard(operations, snapshot, limits, past, nowMs);
  const fork = live.twin.fork();
  const actions: Action[] = [];
  const refusals = operations.map((operation, index): Refusal | undefined => {
    if (forbidden[index] !== undefined) return forbidden[index];
    const action = actionOf(operation, live);
    if (action === undefined) {
      return { rule: 'simulated', reason: `the twin has no ${operation.type}` };
    }
    const reason = applyAction(fork, action);
    if (reason !== undefined) return { rule: 'twin', reason };
    actions.push(action);
    return undefined;
  });
  const forecasts = actions.length <= forecastsMax ? predictItems(live, actions, outlook) : [];
  let next = 0;
  const items = operations.map((operation, index): PlanItem => {
    const refusal = refusals[index];
    if (refusal !== undefined) return { operation, state: 'refused', refusal };
    const forecast = forecasts[next++];
    return { operation, state: 'planned', ...(forecast === undefined ? {} : { forecast }) };
  });
  return {
    atMs: snapshot.atMs,
    before: predict(live, [], outlook),
    after: predict(live, actions, outlook),
    items,
  };
}

/** The action of the twin that an operation is; `undefined` where it has none. Names must be known. */
export function actionOf(operation: Operation, live: LiveTwin): Action | undefined {
  switch (operation.type) {
    case 'migrate':
      return { type: 'migrate', vm: live.vmId(operation.vm), host: live.hostId(operation.to) };
    case 'startVm':
      return { type: 'place', vm: live.vmId(operation.vm), host: live.hostId(operation.host) };
    case 'wakeHost':
      return { type: 'powerOn', host: live.hostId(operation.host) };
    case 'sleepHost':
      return { type: 'powerOff', host: live.hostId(operation.host), to: operation.to };
    case 'setFrequency': {
      if (operation.policies !== undefined) return undefined;
      const host = live.hostId(operation.host);
      return { type: 'setPstate', host, pstate: nearestPstate(live, host, operation.khz / 1000) };
    }
    case 'setQuota': {
      const vm = live.vmId(operation.vm);
      const { coresPerVcpu } = operation;
      const { vcpus } = live.snapshot.vms[vm]!;
      return {
        type: 'setQuota',
        vm,
        cores: coresPerVcpu === null ? Infinity : coresPerVcpu * vcpus,
      };
    }
    default:
      return undefined;
  }
}

function nearestPstate({ snapshot }: LiveTwin, host: number, mhz: number): number {
  const { frequenciesMhz } = snapshot.hosts[host]!;
  let nearest = 0;
  frequenciesMhz.forEach((frequency, pstate) => {
    if (Math.abs(frequency - mhz) < Math.abs(frequenciesMhz[nearest]! - mhz)) nearest = pstate;
  });
  return nearest;
}
