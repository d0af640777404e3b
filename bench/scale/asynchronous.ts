/**
 * Demand changes that share no grid: every VM changes at times of its own, some 300 s apart. Values
 * and gaps are drawn beforehand; the timed part is the twin, and where said so the event heap.
 */
import {
  advance,
  type ClusterModel,
  energyNowJ,
  RandomStream,
  setDemand,
  Twin,
} from '../../sim/index.ts';
import { phases, schedule } from '../../sim/timers.ts';
import { cpuSince } from './clock.ts';

const meanGapMs = 300_000;

/** Changes in the order of their times. */
export interface Changes {
  readonly timeMs: Float64Array;
  readonly vm: Int32Array;
  /** New demand, MIPS. */
  readonly mips: Float64Array;
  /** Time until the VM's next change, ms. */
  readonly gapMs: Float64Array;
}

/** `count` changes: gaps uniform from 0 to 600 s, demand the square of a uniform share of the VM. */
export function drawChanges(model: ClusterModel, count: number): Changes {
  const stream = new RandomStream(1, 'scale/changes');
  const agenda = createAgenda(model, stream);
  const { vcpus, vcpuMips } = model.workload;
  const changes: Changes = {
    timeMs: new Float64Array(count),
    vm: new Int32Array(count),
    mips: new Float64Array(count),
    gapMs: new Float64Array(count),
  };
  for (let index = 0; index < count; index++) {
    const vm = agenda.heap[0]!;
    const share = stream.float();
    changes.vm[index] = vm;
    changes.timeMs[index] = agenda.timerMs[vm]!;
    changes.mips[index] = Math.floor(share * share * vcpus[vm]! * vcpuMips[vm]!);
    changes.gapMs[index] = drawGap(stream);
    schedule(agenda, vm, changes.timeMs[index]! + changes.gapMs[index]!, phases.demand);
  }
  return changes;
}

const drawGap = (stream: RandomStream): number => 2 * meanGapMs * stream.float();

/** The engine's heap with one timer per VM, numbered like the VMs, apart from any twin. */
function createAgenda(model: ClusterModel, stream = new RandomStream(1, 'scale/changes')) {
  const agenda = Twin.create(model, 0).state;
  for (let vm = 0; vm < model.vms; vm++) schedule(agenda, vm, drawGap(stream), phases.demand);
  return agenda;
}

export interface Timed {
  readonly cpuS: number;
  readonly energyJ: number;
}

/** Changes given in order: the clock goes to each, then `setDemand`. */
export function timeListed(model: ClusterModel, changes: Changes): Timed {
  const twin = Twin.create(model, 0);
  const { timeMs, vm, mips } = changes;
  const before = process.cpuUsage();
  for (let index = 0; index < timeMs.length; index++) {
    advance(twin, timeMs[index]!);
    setDemand(twin, vm[index]!, mips[index]!);
  }
  return { cpuS: cpuSince(before), energyJ: energyNowJ(twin) };
}

/** The same changes, each found by the heap, which is told the time of the VM's next one. */
export function timeWithHeap(model: ClusterModel, { mips, gapMs }: Changes): Timed {
  const twin = Twin.create(model, 0);
  const agenda = createAgenda(model);
  const { heap, timerMs } = agenda;
  const before = process.cpuUsage();
  for (let index = 0; index < mips.length; index++) {
    const vm = heap[0]!;
    const timeMs = timerMs[vm]!;
    advance(twin, timeMs);
    setDemand(twin, vm, mips[index]!);
    schedule(agenda, vm, timeMs + gapMs[index]!, phases.demand);
  }
  return { cpuS: cpuSince(before), energyJ: energyNowJ(twin) };
}
