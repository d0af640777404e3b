/**
 * The load client's process: a job on standard input, events on standard output (`client-messages.ts`). It
 * stops when its input ends or a signal comes, with a report of what was done.
 */
import { setMaxListeners } from 'node:events';
import { createInterface } from 'node:readline';
import { systemClock } from '../../clock.ts';
import type { ClientEvent, ClientJob } from './client-messages.ts';
import { goFirst } from './client-priority.ts';
import { serveJob } from './serve-job.ts';

const stop = new AbortController();
// Every VM and connection listens.
setMaxListeners(0, stop.signal);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => stop.abort());
}
// Who reads is gone: there is nobody to tell.
process.stdout.on('error', () => stop.abort());

const lines = createInterface({ input: process.stdin });
const job = await new Promise<ClientJob | undefined>((resolve) => {
  lines.once('line', (text) => resolve(JSON.parse(text) as ClientJob));
  lines.once('close', () => {
    stop.abort();
    resolve(undefined);
  });
});
const say = (event: ClientEvent): void => {
  process.stdout.write(`${JSON.stringify(event)}\n`);
};
if (job !== undefined) {
  if (!goFirst()) say({ type: 'note', text: 'the client runs at the usual priority' });
  await serveJob(job, {
    clock: systemClock,
    signal: stop.signal,
    say,
    cpuUs: () => {
      const { user, system } = process.cpuUsage();
      return user + system;
    },
  });
}
lines.close();
process.stdin.destroy();
