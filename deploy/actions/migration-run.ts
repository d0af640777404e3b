/** One migration under way: its command, its progress, its calling off, and what came of it. */
import { OperationError } from '../operation-error.ts';
import { readDomains } from './domains.ts';
import type { OperationLimits } from './executor.ts';
import { type JobInfo, readJobInfo } from './job-info.ts';
import { Patience } from './migration-patience.ts';
import { type Place, placeOf } from './migration-place.ts';
import type { Operation } from './operation.ts';
import { isOfTheWay, send } from './settle.ts';
import type { Site } from './site.ts';
import { quoted } from './vm-name.ts';

export type Migrate = Extract<Operation, { type: 'migrate' }>;

/** How it ended. */
export interface MigrationEnd {
  readonly place: Place | 'unknown';
  /** Unless it is on its target. */
  readonly error?: OperationError;
  /** `post-copy`, where it came to that. */
  readonly how?: string;
}

/** A place must be seen that often, one poll apart, before it counts when it is not the one hoped for. */
const sightings = 2;

export class Migration {
  readonly #operation: Migrate;
  readonly #command: string;
  readonly #site: Site;
  readonly #limits: OperationLimits;
  readonly #startMs: number;
  readonly #patience: Patience;
  /** Why it was called off. */
  #reason:
    | { readonly code: 'ERR_INTERRUPTED' | 'ERR_NOT_CONVERGING'; readonly why: string }
    | undefined;
  #isPostCopy = false;
  /** How the command ended, when it has: well, or with this. */
  #ended: { readonly error?: OperationError } | undefined;

  constructor(operation: Migrate, command: string, site: Site, limits: OperationLimits) {
    this.#operation = operation;
    this.#command = command;
    this.#site = site;
    this.#limits = limits;
    this.#startMs = site.clock.monotonicMs();
    const { timeout } = site.cluster.libvirt.migration;
    this.#patience = new Patience(this.#startMs, {
      timeoutMs: timeout,
      stallMs: site.timings.stallMs,
    });
  }

  /** @returns Where it ended; failures are part of the answer. */
  async run(): Promise<MigrationEnd> {
    const { clock, cluster, timings } = this.#site;
    const step = { host: this.#operation.from, commands: this.#command };
    const over = new AbortController();
    // Not the caller's signal: hanging up would end our view of it, not the migration.
    const timeoutMs = cluster.libvirt.migration.timeout + timings.placeMs;
    const command = send(step, this.#site, {}, timeoutMs)
      .then(
        () => {
          this.#ended = {};
        },
        (error: unknown) => {
          if (!(error instanceof OperationError)) throw error;
          this.#ended = { error };
        },
      )
      .finally(() => {
        this.#ended ??= {};
        over.abort();
      });
    const wake = (): void => over.abort();
    this.#limits.signal?.addEventListener('abort', wake);
    try {
      await clock.sleep(timings.pollMs, over.signal);
      while (this.#ended === undefined) {
        await this.#watch();
        const isCallingOff = this.#limits.signal?.aborted === true;
        if (this.#ended === undefined) {
          await clock.sleep(timings.pollMs, isCallingOff ? undefined : over.signal);
        }
      }
    } finally {
      this.#limits.signal?.removeEventListener('abort', wake);
      await command;
    }
    return await this.#find();
  }

  /** Looks how far it is, tells, and calls it off or helps it along if need be. */
  async #watch(): Promise<void> {
    const { vm, from } = this.#operation;
    const words = ['domjobinfo', '--domain', vm];
    const sections = [{ name: 'job', commands: this.#site.virshRead(...words) }];
    const answer = await this.#site.ask(from, sections, {}).catch(orNothing);
    const output = answer?.sections.get('job');
    await this.#judge(readJobInfo(output?.status === 0 ? output.text : ''));
  }

  async #judge(job: JobInfo): Promise<void> {
    const nowMs = this.#site.clock.monotonicMs();
    if (job.isActive) {
      const { processedBytes, remainingBytes, bytesPerS, iteration } = job;
      const known = Object.entries({ processedBytes, remainingBytes, bytesPerS, iteration }).filter(
        ([, value]) => value !== undefined,
      );
      this.#site.onProgress(this.#operation, {
        elapsedMs: nowMs - this.#startMs,
        ...Object.fromEntries(known),
      });
    }
    // Past that point the VM has left: all that can be done is wait.
    if (this.#isPostCopy) return;
    const lost = this.#patience.lost(nowMs, job);
    if (this.#limits.signal?.aborted === true) {
      this.#reason ??= { code: 'ERR_INTERRUPTED', why: 'it was stopped' };
    } else if (lost !== undefined && this.#operation.postCopy === true && job.isActive) {
      this.#isPostCopy = await this.#order('migrate-postcopy');
      if (this.#isPostCopy) return;
    }
    if (lost !== undefined) this.#reason ??= { code: 'ERR_NOT_CONVERGING', why: lost };
    // Again at every look while there is a job: an order that comes too early finds none.
    if (this.#reason !== undefined && job.isActive) await this.#order('domjobabort');
  }

  /** @returns Whether libvirt took the order. */
  async #order(verb: 'domjobabort' | 'migrate-postcopy'): Promise<boolean> {
    const { vm, from } = this.#operation;
    const step = { host: from, commands: this.#site.virsh(verb, '--domain', vm) };
    const said = await send(step, this.#site, {}).catch(orNothing);
    return said !== undefined;
  }

  /** Asks both hosts until it is known where the VM is. */
  async #find(): Promise<MigrationEnd> {
    const { vm, from, to } = this.#operation;
    const { clock, timings, cluster } = this.#site;
    const endedMs = clock.monotonicMs();
    const error = this.#ended?.error;
    // A command whose answer was lost may still be at work, or about to begin.
    const isLost = error !== undefined && isOfTheWay(error);
    const longMs = this.#startMs + cluster.libvirt.migration.timeout + timings.placeMs;
    const shortMs = endedMs + timings.placeMs;
    let last: Place | undefined;
    let seen = 0;
    let sinceMs = endedMs;
    for (;;) {
      const place = await this.#look();
      const nowMs = clock.monotonicMs();
      if (place !== undefined) {
        if (place !== last) sinceMs = nowMs;
        seen = place === last ? seen + 1 : 1;
        last = place;
      }
      const isSure =
        place === 'target' ||
        (place !== undefined &&
          place !== 'moving' &&
          seen >= sightings &&
          (!isLost || nowMs - sinceMs >= timings.stillMs));
      if (isSure) return this.#conclude(place);
      const isPatient = isLost && this.#limits.signal?.aborted !== true;
      if (nowMs >= (isPatient ? Math.max(longMs, shortMs) : shortMs)) {
        const text = `where VM ${quoted(vm)} is, on ${from} or ${to}, could not be found out`;
        const detail = last === 'moving' ? ': its migration comes to no end' : '';
        return {
          place: 'unknown',
          error: new OperationError('ERR_VM_UNKNOWN', from, `${text}${detail}`, { cause: error }),
        };
      }
      await clock.sleep(timings.pollMs);
    }
  }

  /** One look at both; `undefined` unless both answered. */
  async #look(): Promise<Place | undefined> {
    const { vm, from, to } = this.#operation;
    const [source, target] = await Promise.all([
      readDomains(this.#site, from, {}, vm).catch(orNothing),
      readDomains(this.#site, to, {}, vm).catch(orNothing),
    ]);
    if (source !== undefined) await this.#judge(source.job ?? { isActive: false });
    if (source === undefined || target === undefined) return undefined;
    return placeOf(vm, source, target);
  }

  #conclude(place: Exclude<Place, 'moving'>): MigrationEnd {
    const { vm, from, to } = this.#operation;
    const cause = this.#ended?.error;
    const told = cause === undefined ? '' : ` (${cause.message})`;
    const fail = (code: OperationError['code'], text: string): MigrationEnd => ({
      place,
      error: new OperationError(code, from, `VM ${quoted(vm)} ${text}`, { cause }),
    });
    switch (place) {
      case 'target':
        return { place, ...(this.#isPostCopy ? { how: 'post-copy' } : {}) };
      case 'both':
        return fail(
          'ERR_VM_TWICE',
          `runs on ${from} and on ${to}: stop one of them at once${told}`,
        );
      case 'neither':
        return fail(
          'ERR_VM_LOST',
          `runs neither on ${from} nor on ${to} after its migration${told}`,
        );
      case 'source': {
        if (this.#reason !== undefined) {
          const { code, why } = this.#reason;
          return fail(code, `stays on ${from}: its migration was called off, ${why}`);
        }
        const isRefusal = cause?.code === 'ERR_REFUSED' || cause?.code === 'ERR_BUSY';
        const code = isRefusal ? cause.code : 'ERR_MIGRATION';
        return fail(code, `stays on ${from}: its migration to ${to} failed${told}`);
      }
    }
  }
}

/** A host that does not answer now may answer at the next look. */
function orNothing(error: unknown): undefined {
  if (error instanceof OperationError) return undefined;
  throw error;
}
