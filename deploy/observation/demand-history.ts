/**
 * What each VM has asked for, interval by interval, wherever it ran: what is seen of it now, and what
 * was seen last of VMs whose host does not answer.
 */
import { z } from 'zod';
import { historyMax, InputError, issuesOf } from '../../sim/index.ts';

/** A VM in one interval. */
export interface SeenVm {
  readonly name: string;
  readonly host: string;
  readonly vcpus: number;
  readonly memoryBytes: number;
  readonly quotaCores?: number;
  /** It has disks of its own. */
  readonly hasDisk: boolean;
  /** Target of its migration, where one is under way. */
  readonly movingTo?: string;
  /** Found running on two hosts. */
  readonly isDoubled: boolean;
  /** CPU asked for, MHz; absent where the interval tells nothing, as in its first one. */
  readonly demandMhz?: number;
  /** Of the demand, in [0, 1]. */
  readonly confidence: number;
}

const storedVm = z.strictObject({
  name: z.string(),
  host: z.string(),
  vcpus: z.number(),
  memoryBytes: z.number(),
  quotaCores: z.number().exactOptional(),
  hasDisk: z.boolean(),
  movingTo: z.string().exactOptional(),
  isDoubled: z.boolean(),
  /** Oldest first, MHz. */
  demandMhz: z.array(z.number().min(0)),
  confidence: z.number(),
  /** Newest values that are held, not measured. */
  held: z.number(),
  /** Intervals in which its host answered without it. */
  missed: z.number(),
});

const historyStateSchema = z.strictObject({
  version: z.literal(1),
  atMs: z.number().nullable(),
  vms: z.array(storedVm),
});

/** What is known of a VM. */
export type KnownVm = z.output<typeof storedVm>;
/** Everything that is remembered; plain JSON. */
export type HistoryState = z.output<typeof historyStateSchema>;

/** A VM that is gone keeps its past for so many intervals: it may be on its way, or restart. */
const missedMax = 3;
/** What an interval without a measurement leaves of the confidence. */
const heldFactor = 0.5;

export class DemandHistory {
  /** Most intervals that are kept of a VM. */
  readonly limit: number;
  readonly #vms = new Map<string, KnownVm>();
  /** By host. */
  readonly #newestMs = new Map<string, number>();
  #atMs: number | undefined;

  /** @param limit At least 1; default: what policies see at most. */
  constructor(limit: number = historyMax) {
    this.limit = limit;
  }

  /**
   * Takes up what an earlier one remembered.
   *
   * @param path What to call the state in messages.
   * @throws InputError with every issue.
   */
  static restore(state: unknown, path: string, limit?: number): DemandHistory {
    const result = historyStateSchema.safeParse(state);
    if (!result.success) throw new InputError(issuesOf(result.error, state, path));
    const history = new DemandHistory(limit);
    history.#atMs = result.data.atMs ?? undefined;
    for (const vm of result.data.vms) {
      history.#vms.set(vm.name, { ...vm, demandMhz: vm.demandMhz.slice(-history.limit) });
    }
    return history;
  }

  get state(): HistoryState {
    return { version: 1, atMs: this.#atMs ?? null, vms: [...this.#vms.values()] };
  }

  /** VMs that are there, those of silent hosts included; in the order of their names. */
  get vms(): readonly KnownVm[] {
    return [...this.#vms.values()]
      .filter(({ missed }) => missed === 0)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Whether nothing of `host` as late as this was taken in before; from now on it was. */
  isNews(host: string, observedAtMs: number): boolean {
    if (observedAtMs <= (this.#newestMs.get(host) ?? -Infinity)) return false;
    this.#newestMs.set(host, observedAtMs);
    return true;
  }

  /**
   * Adds the interval that ends at `atMs`. Intervals that were left out since the last one are held.
   *
   * @param seen Each VM once.
   * @param isSilent Whether nothing new is known of a host: its VMs are taken to be there still.
   */
  record(
    atMs: number,
    intervalMs: number,
    seen: readonly SeenVm[],
    isSilent: (host: string) => boolean,
  ): void {
    const elapsed = this.#atMs === undefined ? 1 : Math.round((atMs - this.#atMs) / intervalMs);
    this.#atMs = atMs;
    // Longer gaps fill what is kept anyway.
    const lost = Math.min(this.limit, Math.max(0, elapsed - 1));
    for (const vm of this.#vms.values()) for (let gap = 0; gap < lost; gap++) this.#hold(vm);
    const names = new Set(seen.map(({ name }) => name));
    for (const vm of [...this.#vms.values()]) {
      if (names.has(vm.name)) continue;
      this.#hold(vm);
      if (!isSilent(vm.host)) vm.missed++;
      if (vm.missed > missedMax) this.#vms.delete(vm.name);
    }
    for (const vm of seen) this.#see(vm);
  }

  #see({ demandMhz, confidence, ...facts }: SeenVm): void {
    const known = this.#vms.get(facts.name);
    const values = known?.demandMhz ?? [];
    if (demandMhz === undefined && known !== undefined) {
      this.#hold(known);
      const { confidence: left, held } = known;
      this.#vms.set(facts.name, {
        ...plain(facts),
        demandMhz: values,
        confidence: left,
        held,
        missed: 0,
      });
      return;
    }
    if (demandMhz !== undefined) this.#push(values, demandMhz);
    this.#vms.set(facts.name, {
      ...plain(facts),
      demandMhz: values,
      confidence,
      held: 0,
      missed: 0,
    });
  }

  #hold(vm: KnownVm): void {
    const last = vm.demandMhz.at(-1);
    if (last !== undefined) this.#push(vm.demandMhz, last);
    vm.held++;
    vm.confidence *= heldFactor;
  }

  #push(values: number[], value: number): void {
    values.push(value);
    if (values.length > this.limit) values.shift();
  }
}

/** Without what an earlier interval said and this one does not. */
const plain = (facts: Omit<SeenVm, 'demandMhz' | 'confidence'>) => ({
  name: facts.name,
  host: facts.host,
  vcpus: facts.vcpus,
  memoryBytes: facts.memoryBytes,
  hasDisk: facts.hasDisk,
  isDoubled: facts.isDoubled,
  ...(facts.quotaCores === undefined ? {} : { quotaCores: facts.quotaCores }),
  ...(facts.movingTo === undefined ? {} : { movingTo: facts.movingTo }),
});
