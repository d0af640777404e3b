/** A snapshot cut from a simulated cluster, as telemetry of it would be. */
import {
  type ClusterSnapshot,
  type SnapshotInput,
  snapshotSchema,
} from '../../../deploy/cluster/snapshot.ts';
import type { Forecast } from '../../../deploy/twin/demand-grid.ts';
import { hostPower, type Twin, TwinView } from '../../../sim/index.ts';

type HostState = NonNullable<SnapshotInput['hosts'][number]['state']>;

const stateNames: Readonly<Record<number, HostState>> = {
  [hostPower.on]: 'on',
  [hostPower.off]: 'off',
  [hostPower.asleep]: 'asleep',
};

/** Whether nothing is half-way that a snapshot does not hold: a migration, a boot, a shutdown. */
export function isQuiet({ model, state }: Twin): boolean {
  if (state.migrationStage.some((stage) => stage !== 0)) return false;
  if (state.vmPlanned.some((host) => host >= 0)) return false;
  if (state.hostDraining.some((to) => to !== 0)) return false;
  return state.hostPower.subarray(0, model.hosts).every((power) => stateNames[power] !== undefined);
}

/** What `TwinView` shows of `twin`, with the migration rate of its model. */
export function cutSnapshot(twin: Twin): ClusterSnapshot {
  const { model, state } = twin;
  const view = new TwinView(twin);
  const hostName = (host: number): string => model.hostNames[host]!;
  return snapshotSchema.parse({
    atMs: 1_700_000_000_000 + twin.nowMs,
    intervalS: view.intervalMs / 1000,
    hosts: model.hostNames.map((name, host) => ({
      name,
      state: stateNames[state.hostPower[host]!],
      cores: view.cores(host),
      memoryBytes: view.memoryBytes(host),
      frequenciesMhz: pstatesOf(view, host).map((pstate) => view.coreMips(host, pstate)),
      requestedMhz: view.coreMips(host, view.pstate(host)),
      power: pstatesOf(view, host).map((pstate) => {
        const mhz = view.coreMips(host, pstate);
        const fullW = view.powerW(host, pstate, mhz * view.cores(host));
        return { mhz, idleW: view.powerW(host, pstate, 0), fullW };
      }),
      offW: model.hostOffW[host]!,
      ...(model.hostSleeps[host] === 1 ? { sleepW: model.hostAsleepW[host]! } : {}),
      wakeS: model.hostBootMs[host]! / 1000,
      wakeW: model.hostBootW[host]!,
      shutdownS: model.hostShutdownMs[host]! / 1000,
      canSleep: true,
    })),
    vms: model.workload.vmNames.map((name, vm) => ({
      name,
      host: view.isPending(vm) ? null : hostName(view.hostOf(vm)),
      vcpus: view.vcpus(vm),
      memoryBytes: view.vmMemoryBytes(vm),
      demandMhz: Array.from({ length: view.observations(vm) }, (_, index) =>
        view.demandAt(vm, view.observations(vm) - index),
      ),
      ...(view.quota(vm) === Infinity ? {} : { quotaCores: view.quota(vm) }),
    })),
    migrationBytesPerS: view.migrationBytesPerS(0),
  });
}

const pstatesOf = (view: TwinView, host: number): number[] =>
  Array.from({ length: view.pstates(host) }, (_, pstate) => pstate);

/** What each VM really asks for from now on. */
export function trueFuture({ model, nowMs }: Twin): Forecast {
  const { workload } = model;
  const first = nowMs / workload.intervalMs;
  return (_history, steps, vm) =>
    Array.from({ length: steps }, (_, step) => {
      const row = Math.min(first + step, workload.steps - 1);
      return workload.demandUnits[row * model.vms + vm]! * workload.mipsPerUnit[vm]!;
    });
}
