/**
 * One simulated cluster: an immutable model, a mutable state, and the scratch space its kernels
 * need. Forks share the model and own a copy of the state.
 */
import { FacilityRates } from './facility/facility-rates.ts';
import { createGovernor, type GovernorRule } from './governors/index.ts';
import { initialize } from './initialize.ts';
import type { ClusterModel } from './model.ts';
import { modelChecksum } from './model-checksum.ts';
import { componentParts, pointHeader, pointStride } from './power/components.ts';
import type { Recorder } from './recorder.ts';
import { ClusterState } from './state.ts';
import { type TickColumns, tickColumns } from './tick.ts';
import { type TimerRanges, timerRanges } from './timers.ts';

/** Arrays that kernels use between two statements and nobody reads afterwards. */
export interface Scratch {
  /** Claims of one host or VM: at most its VMs and all tasks. */
  readonly caps: Float64Array;
  readonly weights: Float64Array;
  /** Hosts that the trace tick puts aside, [hosts + 1]. */
  readonly listed: Int32Array;
  /** Copy of the slot table while it is laid out anew. */
  readonly slots: Int32Array;
  /** Flows and links of one connected part of the network. */
  readonly flows: Int32Array;
  readonly flowRate: Float64Array;
  /** Cap and weight of each of them, and which are still open or stop in this round. */
  readonly flowCapRate: Float64Array;
  readonly flowShare: Float64Array;
  readonly open: Int32Array;
  readonly stopping: Int32Array;
  readonly links: Int32Array;
  readonly linkLeft: Float64Array;
  readonly linkWeight: Float64Array;
  /** 1 while the flow or link is in the part under study; always reset to 0. */
  readonly flowMark: Uint8Array;
  readonly linkMark: Uint8Array;
  /** Operating point and parts of one host, and each host's parts as compiled. */
  readonly point: Float64Array;
  readonly parts: Float64Array;
  readonly components: readonly Float64Array[];
  /** The facility's traces, ready for questions. */
  readonly facility: FacilityRates | undefined;
}

/** One simulated cluster. Forks share its model and own a copy of its state. */
export class Twin {
  readonly model: ClusterModel;
  readonly state: ClusterState;
  readonly timers: TimerRanges;
  readonly columns: TickColumns;
  readonly scratch: Scratch;
  readonly governors: readonly GovernorRule[];
  /** Told about every change worth telling; never part of a fork. */
  recorder: Recorder | undefined;

  constructor(
    model: ClusterModel,
    state: ClusterState,
    governors: readonly GovernorRule[] = rulesOf(model),
    scratch: Scratch = createScratch(model),
  ) {
    this.model = model;
    this.state = state;
    this.timers = timerRanges(model);
    this.columns = tickColumns(state);
    this.scratch = scratch;
    this.governors = governors;
  }

  /** A cluster at time 0: hosts as specified, VMs that have arrived placed or pending. */
  static create(
    model: ClusterModel,
    seed: number,
    governors: readonly GovernorRule[] = rulesOf(model),
  ): Twin {
    const twin = new Twin(model, ClusterState.allocate(model, seed), governors);
    // Read once at the start, so that no snapshot later has to wait for it.
    modelChecksum(model);
    initialize(twin);
    return twin;
  }

  /**
   * A copy that can run on by itself. It shares the scratch space, so a twin and its forks must
   * stay on one thread.
   *
   * @param into A fork made earlier, to be overwritten instead of allocating a new one.
   */
  fork(into?: Twin): Twin {
    const target =
      into ??
      new Twin(
        this.model,
        new ClusterState(this.model, new SharedArrayBuffer(this.state.buffer.byteLength)),
        this.governors,
        this.scratch,
      );
    target.state.copyFrom(this.state);
    return target;
  }

  /** Simulated time, ms. */
  get nowMs(): number {
    return this.state.nowMs[0]!;
  }
}

/** The frequency rules that the model's hosts name. */
function rulesOf(model: ClusterModel): readonly GovernorRule[] {
  return (model.governors ?? []).map(({ name, options }) => createGovernor(name, options));
}

function createScratch(model: ClusterModel): Scratch {
  const claims = model.vms + model.tasks.count;
  const { flows, network, facility } = model;
  return {
    caps: new Float64Array(claims),
    weights: new Float64Array(claims),
    listed: new Int32Array(model.hosts + 1),
    slots: new Int32Array(2 * model.vms + 4 * (model.hosts + 1)),
    flows: new Int32Array(flows),
    flowRate: new Float64Array(flows),
    flowCapRate: new Float64Array(flows),
    flowShare: new Float64Array(flows),
    open: new Int32Array(flows),
    stopping: new Int32Array(flows),
    links: new Int32Array(network.links),
    linkLeft: new Float64Array(network.links),
    linkWeight: new Float64Array(network.links),
    flowMark: new Uint8Array(flows),
    linkMark: new Uint8Array(network.links),
    point: new Float64Array(pointHeader + pointStride * Math.max(...model.hostDomains)),
    parts: new Float64Array(componentParts.length),
    components: Array.from({ length: model.hosts }, (_, host) => {
      const start = model.componentStart[host]!;
      return model.componentValues.subarray(
        Math.max(0, start),
        Math.max(0, start) + model.componentLength[host]!,
      );
    }),
    facility: facility === undefined ? undefined : new FacilityRates(facility),
  };
}
