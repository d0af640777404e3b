/**
 * The cluster as it will be when the plan so far is carried out: planning scratch for one
 * decision. VMs sent somewhere earlier in the same plan count there at once, and each VM moves at
 * most once. Reloaded from the view every time, so nothing carries over to the next decision.
 */
import { assert } from '../errors.ts';
import type { Action, Plan } from '../plan.ts';
import type { ClusterView } from '../view.ts';
import { hostUse } from './host-use.ts';
import { loadHosts, loadVms } from './load-draft.ts';
import { insertSorted, removeSorted } from './sorted-ids.ts';

export class Draft {
  #cluster: ClusterView | undefined;
  #plan: Plan | undefined;

  /** [hosts] One of `hostUse`. */
  use = new Uint8Array(0);
  /** 1 while the host must take no further VM. */
  closed = new Uint8Array(0);
  /** 1 when VMs are on their way to the host, from before or by this plan. */
  expecting = new Uint8Array(0);
  /** Capacity in P-state 0, and how much of it placement may fill, MIPS. */
  peakMips = new Float64Array(0);
  limitMips = new Float64Array(0);
  /** Speed of one core in P-state 0, MIPS. */
  coreMips = new Float64Array(0);
  /** Demand of the VMs that will be there, MIPS. */
  plannedMips = new Float64Array(0);
  /** Power in P-state 0 under that demand; `offW` while asleep, W. */
  plannedW = new Float64Array(0);
  /** Memory that no VM holds or will hold; a VM that leaves holds its part until it is gone. */
  freeBytes = new Float64Array(0);
  /** VMs that will be there, and the first of them; -1 for none. */
  guests = new Int32Array(0);
  firstVm = new Int32Array(0);

  /** Hosts in use `awake` and `asleep`, by rising id. */
  awake = new Int32Array(0);
  awakeCount = 0;
  asleep = new Int32Array(0);
  asleepCount = 0;

  /** [vms] Where the VM will be, -1 for nowhere; the next VM there, by rising id. */
  at = new Int32Array(0);
  nextVm = new Int32Array(0);
  /** Demand to plan with: the highest of the newest measurements, MIPS. */
  demandMips = new Float64Array(0);
  /** 1 when this plan may still move the VM. */
  movable = new Uint8Array(0);
  /** Space for lists of VMs; see `listPending` and the steps. */
  list = new Int32Array(0);

  /** Fastest core of any host, asleep or not, MIPS. */
  fastestMips = 0;
  #leastWakeW = NaN;

  get cluster(): ClusterView {
    assert(this.#cluster !== undefined, () => 'a draft was used before it was loaded');
    return this.#cluster;
  }

  get plan(): Plan {
    assert(this.#plan !== undefined, () => 'a draft was used before it was loaded');
    return this.#plan;
  }

  /**
   * Starts over from the view and from what `plan` holds already. Limits are full capacity.
   *
   * @param lookback How many of a VM's newest measurements its demand is the highest of.
   */
  load(cluster: ClusterView, plan: Plan, lookback = 1): void {
    this.#cluster = cluster;
    this.#plan = plan;
    this.#leastWakeW = NaN;
    if (this.use.length !== cluster.hosts) this.#resizeHosts(cluster.hosts);
    if (this.at.length !== cluster.vms) this.#resizeVms(cluster.vms);
    loadVms(this, cluster, lookback);
    loadHosts(this, cluster);
    for (const action of plan.actions) this.#replay(action);
  }

  #resizeHosts(hosts: number): void {
    this.use = new Uint8Array(hosts);
    this.closed = new Uint8Array(hosts);
    this.expecting = new Uint8Array(hosts);
    this.peakMips = new Float64Array(hosts);
    this.limitMips = new Float64Array(hosts);
    this.coreMips = new Float64Array(hosts);
    this.plannedMips = new Float64Array(hosts);
    this.plannedW = new Float64Array(hosts);
    this.freeBytes = new Float64Array(hosts);
    this.guests = new Int32Array(hosts);
    this.firstVm = new Int32Array(hosts);
    this.awake = new Int32Array(hosts);
    this.asleep = new Int32Array(hosts);
  }

  #resizeVms(vms: number): void {
    this.at = new Int32Array(vms);
    this.nextVm = new Int32Array(vms);
    this.demandMips = new Float64Array(vms);
    this.movable = new Uint8Array(vms);
    this.list = new Int32Array(vms);
  }

  #replay(action: Action): void {
    if (action.type === 'place' || action.type === 'migrate') {
      if (this.use[action.host] === hostUse.awake) this.put(action.vm, action.host);
      this.movable[action.vm] = 0;
    } else if (action.type === 'powerOn') {
      if (this.use[action.host] === hostUse.asleep) this.#rouse(action.host);
    } else if (action.type === 'powerOff') {
      this.#retire(action.host);
    }
  }

  /**
   * Whether `vm` can go to `host`: there is memory, its demand is within the limit (an empty host
   * takes one VM up to capacity), and cores are as fast as its vCPUs, or none are faster.
   */
  fits(vm: number, memoryBytes: number, host: number): boolean {
    if (this.closed[host] === 1 || memoryBytes > this.freeBytes[host]!) return false;
    const demand = this.demandMips[vm]!;
    const limit = this.guests[host] === 0 ? this.peakMips[host]! : this.limitMips[host]!;
    if (this.plannedMips[host]! + demand > limit) return false;
    return this.coreMips[host]! >= Math.min(this.cluster.vcpuMips(vm), this.fastestMips);
  }

  /** Takes `vm` away from where it will be. Its memory there stays held. */
  lift(vm: number): void {
    const host = this.at[vm]!;
    if (host < 0) return;
    this.at[vm] = -1;
    this.guests[host]!--;
    this.#setPlanned(
      host,
      this.guests[host] === 0 ? 0 : this.plannedMips[host]! - this.demandMips[vm]!,
    );
    if (this.firstVm[host] === vm) {
      this.firstVm[host] = this.nextVm[vm]!;
      return;
    }
    let before = this.firstVm[host]!;
    while (this.nextVm[before] !== vm) before = this.nextVm[before]!;
    this.nextVm[before] = this.nextVm[vm]!;
  }

  /** Puts `vm`, lifted or elsewhere before, onto `host` and takes the memory it needs there. */
  put(vm: number, host: number): void {
    this.putBack(vm, host);
    this.freeBytes[host]! -= this.cluster.vmMemoryBytes(vm);
    this.expecting[host] = 1;
  }

  /** Puts a lifted VM back where it is now, whose memory it still holds. */
  putBack(vm: number, host: number): void {
    this.lift(vm);
    this.at[vm] = host;
    this.guests[host]!++;
    this.#setPlanned(host, this.plannedMips[host]! + this.demandMips[vm]!);
    const first = this.firstVm[host]!;
    if (first < 0 || vm < first) {
      this.nextVm[vm] = first;
      this.firstVm[host] = vm;
      return;
    }
    let before = first;
    while (this.nextVm[before]! >= 0 && this.nextVm[before]! < vm) before = this.nextVm[before]!;
    this.nextVm[vm] = this.nextVm[before]!;
    this.nextVm[before] = vm;
  }

  /** Undoes a `put` that was only tried: `plannedMips` as it was before, to the last bit. */
  takeBack(vm: number, host: number, plannedMips: number, expecting: number): void {
    this.lift(vm);
    this.freeBytes[host]! += this.cluster.vmMemoryBytes(vm);
    this.expecting[host] = expecting;
    this.#setPlanned(host, plannedMips);
  }

  /** Plans to start a pending VM on `host`, waking it when it sleeps. */
  place(vm: number, host: number): void {
    this.wake(host);
    this.plan.place(vm, host);
    this.put(vm, host);
  }

  /** Plans to move a running VM to `host`, waking it when it sleeps. */
  migrate(vm: number, host: number): void {
    this.wake(host);
    this.plan.migrate(vm, host);
    this.put(vm, host);
    this.movable[vm] = 0;
  }

  /** Plans to switch on `host` if it sleeps. */
  wake(host: number): void {
    if (this.use[host] !== hostUse.asleep) return;
    this.plan.powerOn(host);
    this.#rouse(host);
  }

  /** Plans to switch off `host` as soon as it is empty. */
  retire(host: number): void {
    this.plan.powerOff(host);
    this.#retire(host);
  }

  /**
   * Least power that waking any sleeping host takes at once, W: P(0+) − off. Power never falls as
   * load rises, so no VM wakes a host for less.
   */
  get leastWakeW(): number {
    if (Number.isNaN(this.#leastWakeW)) {
      let least = Infinity;
      for (let index = 0; index < this.asleepCount; index++) {
        const host = this.asleep[index]!;
        const justBusy = this.cluster.powerW(host, 0, this.peakMips[host]! * 1e-9);
        least = Math.min(least, justBusy - this.plannedW[host]!);
      }
      this.#leastWakeW = least;
    }
    return this.#leastWakeW;
  }

  #rouse(host: number): void {
    this.asleepCount = removeSorted(this.asleep, this.asleepCount, host);
    this.awakeCount = insertSorted(this.awake, this.awakeCount, host);
    this.use[host] = hostUse.awake;
    this.expecting[host] = 1;
    this.#setPlanned(host, 0);
  }

  #retire(host: number): void {
    if (this.use[host] !== hostUse.awake) return;
    this.awakeCount = removeSorted(this.awake, this.awakeCount, host);
    this.use[host] = hostUse.leaving;
  }

  #setPlanned(host: number, mips: number): void {
    this.plannedMips[host] = mips;
    this.plannedW[host] = this.cluster.powerW(host, 0, mips);
  }
}
