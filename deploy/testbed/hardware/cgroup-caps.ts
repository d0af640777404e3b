/**
 * Makes a frequency felt: quotas of CPU bandwidth hold the VMs to what the emulated CPUs can do.
 *
 * The group of all VMs gets the sum of the emulated CPUs, each VM what its vCPUs' CPUs give them. Quotas
 * that others set further down (libvirt's `vcpu_quota`) stay and hold as well. Version 1 refuses a group
 * more than its parent has, so a lower one in the way is lowered too, which it cannot notice, and gets its
 * own back when there is room again.
 */
import { type Bandwidth, type CgroupLayout, isGone } from './cgroup-layout.ts';
import { systemCode } from './errno.ts';

/** Short, so that a VM is slow rather than halting. */
const periodUs = 10_000;
/** The kernel takes no less quota and no longer period. */
const quotaMinUs = 1000;
const periodMaxUs = 1_000_000;

/** The quota that gives a group so many real cores. */
export function bandwidthFor(cores: number): Bandwidth {
  const quotaUs = Math.round(cores * periodUs);
  if (quotaUs >= quotaMinUs) return { quotaUs, periodUs };
  return {
    quotaUs: quotaMinUs,
    periodUs: Math.min(periodMaxUs, Math.round(quotaMinUs / Math.max(cores, 1e-6))),
  };
}

/** Real cores that a quota is; without bound where there is none. */
export function coresOf({ quotaUs, periodUs: period }: Bandwidth): number {
  return quotaUs === undefined ? Number.POSITIVE_INFINITY : quotaUs / period;
}

function isSame(a: Bandwidth | undefined, b: Bandwidth): boolean {
  return a?.quotaUs === b.quotaUs && a?.periodUs === b.periodUs;
}

/** A quota that was in the way, and what stands there instead. */
interface Lowered {
  readonly own: Bandwidth;
  readonly now: Bandwidth;
}

/** The quotas of the VMs of a host. */
export class CgroupCaps {
  readonly #cgroups: CgroupLayout;
  readonly #machine: string;
  readonly #lowered = new Map<string, Lowered>();
  #set = new Map<string, Bandwidth>();
  #isReleased = false;

  constructor(cgroups: CgroupLayout, machine: string) {
    this.#cgroups = cgroups;
    this.#machine = machine;
  }

  /**
   * Sets what changed since the last call.
   *
   * @param total Real cores of all VMs together; infinite: no bound.
   * @param byVm Real cores by the VM's group, none above the total.
   */
  apply(total: number, byVm: ReadonlyMap<string, number>): void {
    this.#isReleased = false;
    const wanted = new Map([[this.#machine, total], ...byVm]);
    const before = this.#set;
    this.#set = new Map();
    const known = before.get(this.#machine);
    // A parent first when it rises, its children first when it falls.
    const isRising = known === undefined || total >= coresOf(known);
    const order = isRising ? [...wanted] : [...wanted].reverse();
    let didChange = false;
    for (const [group, cores] of order) {
      const bandwidth = Number.isFinite(cores) ? bandwidthFor(cores) : { periodUs };
      if (!isSame(before.get(group), bandwidth)) {
        if (!this.#write(group, bandwidth)) continue;
        didChange = true;
      }
      this.#set.set(group, bandwidth);
    }
    if (didChange && this.#lowered.size > 0) this.#giveBack();
  }

  /** Forgets what was set, so that the next `apply` writes all anew, should someone have changed it. */
  distrust(): void {
    for (const [group, bandwidth] of this.#set) {
      if (!isSame(this.#cgroups.bandwidth(group), bandwidth)) this.#set.delete(group);
    }
  }

  /** Takes all quotas of VMs away, also those of an earlier life of this program. */
  release(): void {
    if (this.#isReleased) return;
    const groups = this.#cgroups.children(this.#machine).map((name) => `${this.#machine}/${name}`);
    const free = Number.POSITIVE_INFINITY;
    this.apply(free, new Map(groups.map((group) => [group, free])));
    this.#set.clear();
    this.#isReleased = true;
  }

  /** @returns Whether the group is there. */
  #write(group: string, bandwidth: Bandwidth): boolean {
    try {
      this.#cgroups.setBandwidth(group, bandwidth);
      return true;
    } catch (error) {
      if (isGone(error)) return false;
      if (systemCode(error) !== 'EINVAL') throw error;
    }
    this.#lower(group, bandwidth);
    return this.#tryWrite(group, bandwidth);
  }

  #tryWrite(group: string, bandwidth: Bandwidth): boolean {
    try {
      this.#cgroups.setBandwidth(group, bandwidth);
      return true;
    } catch (error) {
      // A quota that someone set at this very moment; the next tick finds it.
      if (isGone(error) || systemCode(error) === 'EINVAL') return false;
      throw error;
    }
  }

  /** Lowers every quota below a group that is more than the group is to get. */
  #lower(group: string, to: Bandwidth): void {
    for (const name of this.#cgroups.children(group)) {
      const child = `${group}/${name}`;
      this.#lower(child, to);
      const own = this.#cgroups.bandwidth(child);
      if (own === undefined || own.quotaUs === undefined || coresOf(own) <= coresOf(to)) continue;
      if (!this.#tryWrite(child, to)) continue;
      const earlier = this.#lowered.get(child);
      // Lowered before and not touched since: its own is what it was then.
      const isOurs = earlier !== undefined && isSame(own, earlier.now);
      this.#lowered.set(child, { own: isOurs ? earlier.own : own, now: to });
    }
  }

  /** Gives lowered quotas back as far as their parents now let them; parents come first. */
  #giveBack(): void {
    const groups = [...this.#lowered.keys()].sort((a, b) => a.length - b.length);
    for (const group of groups) {
      const { own, now } = this.#lowered.get(group)!;
      if (this.#set.has(group) || !isSame(this.#cgroups.bandwidth(group), now)) {
        // Ours by now, gone, or set anew by its owner.
        this.#lowered.delete(group);
        continue;
      }
      const parent = this.#boundAbove(group);
      const isWhole = coresOf(own) <= coresOf(parent);
      const next = isWhole ? own : parent;
      if (isSame(now, next) || !this.#tryWrite(group, next)) continue;
      if (isWhole) this.#lowered.delete(group);
      else this.#lowered.set(group, { own, now: next });
    }
  }

  /** The quota of the nearest group above that has one. */
  #boundAbove(group: string): Bandwidth {
    const parent = group.slice(0, Math.max(0, group.lastIndexOf('/')));
    if (parent === '') return { periodUs };
    const bandwidth = this.#cgroups.bandwidth(parent);
    return bandwidth?.quotaUs === undefined ? this.#boundAbove(parent) : bandwidth;
  }
}
