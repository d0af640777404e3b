/** Hosts with their VMs, as the map shows them. Everything here is pure. */
import type { DecisionView, State } from './state.ts';

type Snapshot = NonNullable<State['snapshot']>;
type SnapshotHost = Snapshot['hosts'][number];
type SnapshotVm = Snapshot['vms'][number];

/** How much of its vCPUs a VM asks for, in steps that can be told apart; `none`: not known. */
export type DemandStep = 'none' | 0 | 1 | 2 | 3 | 4;

/** Lower ends of the steps, as fractions of the CPU that its vCPUs can use. */
export const demandSteps = [0, 0.1, 0.25, 0.5, 0.8] as const;

export interface VmView {
  readonly key: string;
  readonly name: string;
  readonly vcpus: number;
  readonly memoryBytes: number;
  readonly demandMhz: number | undefined;
  readonly step: DemandStep;
  /** `leaving`: on its way to `other`; `coming`: on its way here from `other`. */
  readonly move: 'leaving' | 'coming' | undefined;
  readonly other: string | undefined;
  readonly isMovable: boolean;
}

export interface HostView {
  readonly key: string;
  /** `undefined`: no host, but the VMs that wait for one. */
  readonly host: SnapshotHost | undefined;
  /** Busy share of its cores, or what its VMs ask for where that was not measured; 0 to 1. */
  readonly cpu: number | undefined;
  readonly isCpuMeasured: boolean;
  readonly memoryBytes: number;
  /** Share of its memory that its VMs have; 0 to 1. */
  readonly memory: number | undefined;
  readonly vms: readonly VmView[];
}

/** VMs that are being moved now, and where to: as hosts tell, and as the running plan does. */
function movesOf(snapshot: Snapshot, decision: DecisionView | null): Map<string, string> {
  const moves = new Map<string, string>();
  for (const { name, movingTo } of snapshot.vms) {
    if (movingTo !== undefined) moves.set(name, movingTo);
  }
  for (const { operation, state } of decision?.items ?? []) {
    if (operation.type === 'migrate' && state === 'running') moves.set(operation.vm, operation.to);
  }
  return moves;
}

function demandStep(demandMhz: number | undefined, capacityMhz: number): DemandStep {
  if (demandMhz === undefined || !(capacityMhz > 0)) return 'none';
  const step = demandSteps.findLastIndex((from) => demandMhz / capacityMhz >= from);
  return step as DemandStep;
}

/** In the order of the snapshot; VMs by memory, largest first, so that tiles are easy to compare. */
export function hostViews(state: State): HostView[] {
  const { snapshot, lastDecision } = state;
  if (snapshot === null) return [];
  const moves = movesOf(snapshot, lastDecision);
  const fastestMhz = new Map(
    snapshot.hosts.map(({ name, frequenciesMhz }) => [name, frequenciesMhz[0]!]),
  );
  const views = new Map<string | null, VmView[]>();
  const put = (host: string | null, vm: VmView): void => {
    const list = views.get(host);
    if (list === undefined) views.set(host, [vm]);
    else list.push(vm);
  };
  const viewOf = (vm: SnapshotVm, move: VmView['move'], other: string | undefined): VmView => {
    const demandMhz = vm.demandMhz.at(-1);
    const mhz = vm.host === null ? undefined : fastestMhz.get(vm.host);
    return {
      key: move === 'coming' ? `coming ${vm.name}` : `vm ${vm.name}`,
      name: vm.name,
      vcpus: vm.vcpus,
      memoryBytes: vm.memoryBytes,
      demandMhz,
      step: demandStep(demandMhz, (vm.quotaCores ?? vm.vcpus) * (mhz ?? Number.NaN)),
      move,
      other,
      isMovable: vm.movable,
    };
  };
  for (const vm of snapshot.vms) {
    const to = moves.get(vm.name);
    const isMoving = to !== undefined && to !== vm.host;
    put(vm.host, viewOf(vm, isMoving ? 'leaving' : undefined, isMoving ? to : undefined));
    if (isMoving) put(to, viewOf(vm, 'coming', vm.host ?? undefined));
  }
  const hosts = snapshot.hosts.map((host) => hostView(host, views.get(host.name) ?? []));
  const waiting = views.get(null);
  return waiting === undefined ? hosts : [hostView(undefined, waiting), ...hosts];
}

function hostView(host: SnapshotHost | undefined, all: readonly VmView[]): HostView {
  const vms = all.toSorted(
    (one, other) => other.memoryBytes - one.memoryBytes || (one.name < other.name ? -1 : 1),
  );
  const here = vms.filter(({ move }) => move !== 'coming');
  const memoryBytes = here.reduce((total, vm) => total + vm.memoryBytes, 0);
  if (host === undefined) {
    return {
      key: 'waiting',
      host,
      cpu: undefined,
      isCpuMeasured: false,
      memoryBytes,
      memory: undefined,
      vms,
    };
  }
  const demandMhz = here.reduce((total, vm) => total + (vm.demandMhz ?? 0), 0);
  const capacityMhz = host.cores * (host.currentMhz ?? host.frequenciesMhz[0]!);
  const asked = host.state === 'on' ? Math.min(1, demandMhz / capacityMhz) : undefined;
  return {
    key: `host ${host.name}`,
    host,
    cpu: host.utilization ?? asked,
    isCpuMeasured: host.utilization !== undefined,
    memoryBytes,
    memory: Math.min(1, memoryBytes / host.memoryBytes),
    vms,
  };
}

export const hostOrders = ['as listed', 'busiest first', 'most power first', 'by name'] as const;
export type HostOrder = (typeof hostOrders)[number];

export function ordered(hosts: readonly HostView[], order: HostOrder): readonly HostView[] {
  const rank = (value: (host: HostView) => number | undefined): HostView[] =>
    hosts.toSorted((one, other) => (value(other) ?? -1) - (value(one) ?? -1));
  switch (order) {
    case 'as listed':
      return hosts;
    case 'busiest first':
      return rank(({ cpu }) => cpu);
    case 'most power first':
      return rank(({ host }) => host?.measuredW);
    case 'by name':
      return hosts.toSorted((one, other) =>
        (one.host?.name ?? '').localeCompare(other.host?.name ?? '', 'en', { numeric: true }),
      );
  }
}

/** Hosts whose name holds the text, or one of whose VMs' names does; letters of either case. */
export function matching(hosts: readonly HostView[], text: string): readonly HostView[] {
  const wanted = text.trim().toLowerCase();
  if (wanted === '') return hosts;
  const holds = (name: string | undefined): boolean =>
    name?.toLowerCase().includes(wanted) ?? false;
  return hosts.filter(({ host, vms }) => holds(host?.name) || vms.some(({ name }) => holds(name)));
}
