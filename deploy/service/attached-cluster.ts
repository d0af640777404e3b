/** A cluster that a controller looks after, as its journal shows it. Nothing is changed but approvals. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Operation } from '../actions/operation.ts';
import type { Clock } from '../clock.ts';
import type { ClusterSnapshot } from '../cluster/snapshot.ts';
import { readSnapshotFile, snapshotPath } from '../cluster/snapshot-file.ts';
import { type Approval, Approvals } from '../control/approvals.ts';
import { killSwitch } from '../control/kill-switch.ts';
import { ActionMemory } from '../control/past.ts';
import { journalHolder } from '../journal/control-lease.ts';
import { JournalReader } from '../journal/journal-reader.ts';
import type { JournalRecord } from '../journal/record.ts';
import { segmentPath } from '../journal/segment.ts';
import type { ClusterSource } from './cluster-source.ts';
import { JournalFold, type LeaseView, type StateView } from './state-view.ts';

/** What a cluster file says besides. */
export interface KnownCluster {
  readonly name: string;
  /** File that stops everything while it exists. */
  readonly killSwitch: string;
}

/** Reads a controller's journal as it grows. */
export class AttachedCluster implements ClusterSource {
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #approvals: Approvals;
  readonly #reader: JournalReader;
  readonly #fold = new JournalFold();
  readonly #memory = new ActionMemory();
  readonly #begun = new Map<number, Operation>();
  #snapshot: ClusterSnapshot | undefined;
  /** Of the file that it was read from. */
  #snapshotVersion = '';
  #lease: LeaseView | null = null;
  readonly #known: KnownCluster | undefined;
  #isStopped = false;

  /** @param directory Of the journal; it may come later. */
  constructor(directory: string, clock: Clock, known?: KnownCluster) {
    this.#directory = directory;
    this.#clock = clock;
    this.#known = known;
    this.#reader = new JournalReader(directory);
    this.#approvals = new Approvals(join(directory, 'approvals'));
    this.refresh();
  }

  refresh(): boolean {
    const { seq } = this.#fold;
    const before = this.#snapshot?.atMs;
    const holder = this.#lease?.holder;
    const wasStopped = this.#isStopped;
    this.#isStopped = this.#known !== undefined && killSwitch(this.#known.killSwitch) !== undefined;
    for (const record of this.#reader.records()) this.#take(record);
    this.#readSnapshot();
    const lease = journalHolder(this.#directory);
    this.#lease = lease === undefined ? null : { holder: `process ${lease.pid} on ${lease.host}` };
    return (
      this.#fold.seq !== seq ||
      this.#snapshot?.atMs !== before ||
      this.#lease?.holder !== holder ||
      this.#isStopped !== wasStopped
    );
  }

  state(): StateView {
    const view = this.#fold.view(this.#snapshot ?? null, this.#lease, this.#clock.wallMs());
    if (this.#known === undefined) return view;
    const { name: cluster, killSwitch: path } = this.#known;
    return { ...view, cluster, killSwitch: { isOn: this.#isStopped, path } };
  }

  decisions(limit: number): ReturnType<JournalFold['decisions']> {
    return this.#fold.decisions(limit);
  }

  decision(id: string): ReturnType<JournalFold['decision']> {
    return this.#fold.decision(id);
  }

  get past(): ActionMemory {
    return this.#memory;
  }

  say(approval: Approval): Approval {
    return this.#approvals.say(approval);
  }

  saidOf(decision: string): Approval | undefined {
    return this.#approvals.of(decision);
  }

  get journalBytes(): number {
    let bytes = 0;
    for (let segment = this.#reader.segment; segment > 0; segment--) {
      const size = sizeOf(segmentPath(this.#directory, segment));
      // Earlier ones may have been put away.
      if (size === undefined) break;
      bytes += size;
    }
    return bytes;
  }

  #take(record: JournalRecord): void {
    this.#fold.take(record);
    if (record.kind === 'intent') this.#begun.set(record.seq, record.operation);
    if (record.kind !== 'done' && record.kind !== 'failed') return;
    const operation = this.#begun.get(record.intent);
    if (operation !== undefined) this.#memory.note(operation, record.kind === 'done', record.atMs);
    this.#begun.delete(record.intent);
  }

  /** A file that cannot be read now leaves what was known. */
  #readSnapshot(): void {
    const file = statSync(snapshotPath(this.#directory), { throwIfNoEntry: false });
    const version = file === undefined ? '' : `${file.ino} ${file.mtimeMs} ${file.size}`;
    if (version === this.#snapshotVersion) return;
    this.#snapshotVersion = version;
    this.#snapshot = readSnapshotFile(this.#directory) ?? this.#snapshot;
  }
}

function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}
