/** Answers in threads: what happens when a thread does not come back. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Computer, Question } from '../../../deploy/service/compute/compute.ts';
import { computerInWorkers } from '../../../deploy/service/compute/worker-computer.ts';
import { ServiceError } from '../../../deploy/service/service-error.ts';
import { directoryWith } from '../../traces/temporary-directory.ts';

/** A worker whose question says what it does. */
const worker = `
const say = (text) => ({ status: 200, text });
export default async ({ kind, body, nowMs }) => {
  const what = new TextDecoder().decode(body);
  if (what === 'echo') return say(kind + ' ' + nowMs);
  if (what === 'spin') for (;;) {}
  if (what === 'wait') return new Promise((resolve) => setTimeout(() => resolve(say('waited')), 300));
  if (what === 'exit') process.exit(3);
  if (what === 'throw') throw new Error('a bug');
  const hoard = [];
  for (;;) hoard.push(new Array(1e5).fill({}));
};
`;

let computer: Computer;
afterEach(() => computer.close());

function start(threads: number, queueMax = 4): Computer {
  const filename = join(directoryWith(), 'worker.mjs');
  writeFileSync(filename, worker);
  computer = computerInWorkers({ filename, threads, queueMax, heapMib: 64 });
  return computer;
}

const question = (what: string): Question => ({
  kind: 'decide',
  body: new TextEncoder().encode(what),
  nowMs: 7,
});

const never = new AbortController().signal;

const failure = async (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => 'none',
    (error: unknown) => (error instanceof ServiceError ? error.code : String(error)),
  );

describe('a thread', () => {
  it('answers, and its question is still whole here', async () => {
    const asked = question('echo');
    expect(await start(1).ask(asked, never)).toEqual({ status: 200, text: 'decide 7' });
    expect(new TextDecoder().decode(asked.body)).toBe('echo');
  });

  it('that does not come back is given up, and another answers after it', async () => {
    const { ask } = start(1);
    const late = new AbortController();
    const asked = ask(question('spin'), late.signal);
    setTimeout(() => late.abort(), 200);
    expect(await failure(asked)).toBe('unavailable');
    expect(await ask(question('echo'), never)).toMatchObject({ status: 200 });
  });

  it('whose memory runs out is replaced, and the service lives', async () => {
    const { ask } = start(1);
    expect(await failure(ask(question('hoard'), never))).toBe('too_large');
    expect(await ask(question('echo'), never)).toMatchObject({ status: 200 });
  });

  it('that ends is replaced', async () => {
    const { ask } = start(1);
    expect(await failure(ask(question('exit'), never))).not.toBe('none');
    expect(await ask(question('echo'), never)).toMatchObject({ status: 200 });
  });

  it('that fails does not take others with it', async () => {
    const { ask } = start(2);
    const [bad, good] = await Promise.all([
      failure(ask(question('throw'), never)),
      ask(question('echo'), never),
    ]);
    expect(bad).toBe('Error: a bug');
    expect(good.text).toBe('decide 7');
  });
});

describe('the queue', () => {
  it('turns away what it has no room for', async () => {
    const { ask } = start(1, 2);
    const asked = Array.from({ length: 6 }, () => failure(ask(question('wait'), never)));
    expect(await Promise.all(asked)).toEqual([
      ...['none', 'none', 'none', 'unavailable', 'unavailable', 'unavailable'],
    ]);
    expect(await failure(ask(question('echo'), never))).toBe('none');
  });

  it('says how many wait and how many are being answered', async () => {
    const made = start(1, 4);
    await made.ask(question('echo'), never);
    const asked = [1, 2, 3].map(() => made.ask(question('wait'), never));
    expect(made.load).toEqual({ running: 1, waiting: 2 });
    await Promise.all(asked);
    expect(made.load).toEqual({ running: 0, waiting: 0 });
  });
});
