/**
 * What people say of recommended decisions: one small file per decision, made once and never changed,
 * so that the dashboard, the command line and the controller need no lock between them.
 */
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { inputError } from '../../sim/index.ts';
import { OperationError } from '../operation-error.ts';

export interface Approval {
  readonly decision: string;
  readonly verdict: 'approved' | 'rejected';
  readonly atMs: number;
  /** Who, as they say. */
  readonly by: string;
}

const approvalSchema = z.strictObject({
  decision: z.string(),
  verdict: z.enum(['approved', 'rejected']),
  atMs: z.number(),
  by: z.string(),
});

/** Ids of decisions are file names here. */
const idPattern = /^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/;

/** What was said of decisions, as files of a directory. */
export class Approvals {
  readonly #directory: string;

  /** @param directory Made if it is not there, for its owner alone. */
  constructor(directory: string) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.#directory = directory;
  }

  /**
   * What was said of a decision, if anything was.
   *
   * @throws OperationError `ERR_JOURNAL` for a file that says something else.
   */
  of(decision: string): Approval | undefined {
    const path = this.#pathOf(decision);
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
    const word = approvalIn(text);
    if (word?.decision === decision) return word;
    throw new OperationError('ERR_JOURNAL', 'localhost', `${path} is no word on ${decision}`);
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

function approvalIn(text: string): Approval | undefined {
  try {
    return approvalSchema.safeParse(JSON.parse(text)).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
