/** The guest agent's protocol on a local port: jobs that take no time, and are done as they come. */
import { createServer, type Socket } from 'node:net';
import { LatencyHistogram } from '../../../deploy/testbed/load/latency-histogram.ts';

export interface TinyAgent {
  readonly port: number;
  /** Lines that came, in order. */
  readonly lines: string[];
  /** Each answer waits for so long, ms. */
  delayMs: number;
  /** No rate but 0 is good enough. */
  refuse: boolean;
  /** Every job takes so long, ms. */
  latencyMs: number;
  /** Forgets everything and cuts all connections, as a guest that starts anew. */
  restart(): void;
  /** Says nothing any more. */
  freeze(): void;
  close(): Promise<void>;
}

export async function tinyAgent(): Promise<TinyAgent> {
  const sockets = new Set<Socket>();
  let isFrozen = false;
  let rate = 0;
  let owed = 0;
  let beforeMs = performance.now();
  let reportedMs = beforeMs;
  let done = 0;
  const agent = { lines: [] as string[], delayMs: 0, refuse: false, latencyMs: 7 };
  const settle = (): void => {
    const nowMs = performance.now();
    owed += (rate * (nowMs - beforeMs)) / 1000;
    beforeMs = nowMs;
    done += Math.floor(owed);
    owed -= Math.floor(owed);
  };
  const answer = (line: string): string => {
    settle();
    const [verb, ...words] = line.split(' ');
    if (verb === 'jobs') {
      if (agent.refuse && Number(words[0]) > 0) return 'error jobs takes less';
      rate = Number(words[0]);
      return `ok jobs ${words[0]} ${words[1]}`;
    }
    if (verb === 'calibrate') return '{"unitsPerS":2000,"seconds":0.25}';
    if (verb !== 'report') return 'error expected something else';
    const histogram = new LatencyHistogram();
    for (let job = 0; job < done; job++) histogram.add(agent.latencyMs);
    const { sumUs, minUs, maxUs, buckets } = histogram.toRecord();
    const intervalS = (beforeMs - reportedMs) / 1000;
    const counts = { issued: done, done, dropped: 0, work: done * 40, queue: 0 };
    reportedMs = beforeMs;
    done = 0;
    const state = { ncpu: 2, ratePerS: Number(rate.toPrecision(6)) };
    return JSON.stringify({
      intervalS,
      ...counts,
      ...state,
      latency: { sumUs, minUs, maxUs, buckets },
    });
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    let rest = '';
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        agent.lines.push(line);
        setTimeout(() => {
          if (!isFrozen && !socket.destroyed) socket.write(`${answer(line)}\n`);
        }, agent.delayMs);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return Object.assign(agent, {
    port: address.port,
    restart: () => {
      [rate, owed, done] = [0, 0, 0];
      cut();
    },
    freeze: () => {
      isFrozen = true;
    },
    close: async () => {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}
