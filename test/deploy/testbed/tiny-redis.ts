/** A few commands of Redis on a local port, to be slow, wrong or gone on demand. */
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { RespParser } from '../../../deploy/testbed/load/ycsb/resp.ts';

export interface TinyRedis {
  readonly port: number;
  readonly hashes: Map<string, Map<string, string>>;
  /** Commands that came, in order. */
  readonly commands: string[][];
  /** Answers of commands that come from now on wait for so long, ms. */
  stallUntil(untilMs: number): void;
  /** Takes the place of an answer; `undefined` leaves it. */
  answer: ((command: readonly string[]) => string | undefined) | undefined;
  /** Cuts all connections; new ones are taken. */
  cut(): void;
  /** Takes bytes and says nothing any more. */
  freeze(): void;
  close(): Promise<void>;
}

export async function tinyRedis(port = 0): Promise<TinyRedis> {
  const sockets = new Set<Socket>();
  let untilMs = 0;
  let isFrozen = false;
  const state = {
    hashes: new Map<string, Map<string, string>>(),
    commands: [] as string[][],
    answer: undefined as TinyRedis['answer'],
  };
  const server: Server = createServer((socket) => {
    const parser = new RespParser();
    let last: Promise<void> = Promise.resolve();
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      // A command has the form of an answer that is an array of texts.
      for (const command of parser.push(chunk) as string[][]) {
        state.commands.push(command);
        const text = state.answer?.(command) ?? execute(state.hashes, command);
        last = last.then(async () => {
          const leftMs = untilMs - performance.now();
          if (leftMs > 0) await wait(leftMs);
          if (!isFrozen && !socket.destroyed) socket.write(text);
        });
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return Object.assign(state, {
    port: address.port,
    stallUntil: (ms: number) => {
      untilMs = ms;
    },
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
    freeze: () => {
      isFrozen = true;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

function execute(hashes: Map<string, Map<string, string>>, command: readonly string[]): string {
  const [verb, key, ...rest] = command;
  if (verb === 'HSET' && key !== undefined && rest.length % 2 === 0) {
    const hash = hashes.get(key) ?? new Map<string, string>();
    hashes.set(key, hash);
    const before = hash.size;
    for (let at = 0; at < rest.length; at += 2) hash.set(rest[at]!, rest[at + 1]!);
    return `:${hash.size - before}\r\n`;
  }
  if (verb === 'HGETALL' && key !== undefined) {
    const words = [...(hashes.get(key) ?? [])].flat();
    return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;
  }
  return `-ERR unknown command '${verb}'\r\n`;
}
