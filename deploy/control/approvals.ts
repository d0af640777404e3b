/**
 * What people say of recommended decisions: one small file per decision, made once and never changed,
 * so that the dashboard, the command line and the controller need no lock between them.
 */
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inputError } from '../../sim/index.ts';

export interface Approval {
  readonly decision: string;
  readonly verdict: 'approved' | 'rejected';
  readonly atMs: number;
  /** Who, as they say. */
  readonly by: string;
}

/** Ids of decisions are file names here. */
const idPattern = /^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/;

/** What was said of decisions, as files of a directory. */
export class Approvals {
  readonly #directory: string;

  /** @param directory Made if it is not there. */
  constructor(directory: string) {
    mkdirSync(directory, { recursive: true });
    this.#directory = directory;
  }

  /** What was said of a decision, if anything was. */
  of(decision: string): Approval | undefined {
    try {
      return JSON.parse(readFileSync(this.#pathOf(decision), 'utf8')) as Approval;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /**
   * Says it. The first word counts.
   *
   * @returns What holds: this, or what was said before.
   */
  say(approval: Approval): Approval {
    const path = this.#pathOf(approval.decision);
    const draft = `${path}.${process.pid}`;
    writeFileSync(draft, `${JSON.stringify(approval)}\n`, { flush: true });
    try {
      // Unlike a rename, a link does not replace what is there.
      linkSync(draft, path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      rmSync(draft, { force: true });
    }
    return this.of(approval.decision)!;
  }

  #pathOf(decision: string): string {
    if (!idPattern.test(decision)) throw inputError('decision', 'the id of a decision', decision);
    return join(this.#directory, `${decision}.json`);
  }
}
