/** kill -9 at any moment, of who changes and of who restores; and a disk that is full. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Journal, systemClock } from '../../../deploy/index.ts';
import { filesOf, layFiles } from './file-world.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'wattwin-kill-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const script = (name: string): string => join(import.meta.dirname, name);

interface Life {
  readonly child: ChildProcess;
  readonly closed: Promise<void>;
  readonly lines: string[];
  readonly ready: Promise<void>;
}

function live(command: string, args: readonly string[]): Life {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  const closed = new Promise<void>((resolve) => child.on('close', () => resolve()));
  const ready = new Promise<void>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      lines.push(line);
      resolve();
    });
    child.on('close', () => resolve());
  });
  return { child, closed, lines, ready };
}

const start = (mode: 'act' | 'restore'): Life =>
  live(process.execPath, [
    ...['--import', 'tsx', script('file-process.ts')],
    ...[mode, join(directory, 'files'), join(directory, 'journal')],
  ]);

/** Kills it so long after it is ready, if it has not ended. */
async function kill(life: Life, afterMs: number): Promise<void> {
  await life.ready;
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  life.child.kill('SIGKILL');
  await life.closed;
}

it('what is killed at random moments is restored by a fresh process', async () => {
  const files = join(directory, 'files');
  layFiles(files);
  const before = filesOf(files);
  let intents = 0;
  for (let round = 0; round < 4; round++) {
    // Moments that no two rounds share.
    await kill(start('act'), 20 + 37 * round);
    await kill(start('act'), 5 + 13 * round);
    intents += Journal.openReadOnly(join(directory, 'journal')).toUndo().length;
    await kill(start('restore'), 2 * round);
    const last = start('restore');
    await last.closed;
    expect(last.lines).toEqual(['ready', 'left 0']);
    expect(filesOf(files)).toEqual(before);
    expect(Journal.openReadOnly(join(directory, 'journal')).toUndo()).toEqual([]);
  }
  expect(intents).toBeGreaterThan(8);
  // Nothing of it was damage, and the journal went through several segments.
  expect(readdirSync(join(directory, 'journal')).length).toBeGreaterThan(1);
}, 120_000);

it('a full disk takes no part of a record, and the journal goes on when there is room', async () => {
  // A limit on the size of files stops a write in its middle, as a full disk does.
  const limited = live('sh', [
    '-c',
    `ulimit -f 4; trap '' XFSZ; exec "$0" "$@"`,
    ...[
      process.execPath,
      '--import',
      'tsx',
      script('filling-process.ts'),
      join(directory, 'journal'),
    ],
  ]);
  await limited.closed;
  const [acknowledged, code, message, again] = limited.lines;
  expect(Number(acknowledged)).toBeGreaterThan(3);
  expect([code, again]).toEqual(['ERR_JOURNAL', 'took a short one']);
  expect(message).toContain('journal-000001.jsonl: it cannot be written');
  const path = join(directory, 'journal', 'journal-000001.jsonl');
  expect(readFileSync(path, 'utf8').endsWith('}\n')).toBe(true);
  const journal = Journal.open(join(directory, 'journal'), systemClock);
  expect(journal.notes).toEqual([]);
  expect(journal.seq).toBe(Number(acknowledged) + 1);
  expect(journal.append({ kind: 'event', code: 'X', message: 'x'.repeat(500) })).toBe(
    Number(acknowledged) + 2,
  );
  journal.close();
});
