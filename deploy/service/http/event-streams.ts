/** News of the cluster as server-sent events (HTML standard, section 9.2). */
import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../clock.ts';
import type { ClusterSource } from '../cluster-source.ts';
import { ServiceError } from '../service-error.ts';

const limits = {
  streams: 32,
  /** Unsent bytes after which a client is too slow to be kept. */
  backlogBytes: 32 * 2 ** 20,
  pollMs: 500,
  /** Without news a comment keeps the connection open. */
  quietMs: 15_000,
} as const;

/** The open streams of a service. */
export class EventStreams {
  readonly #cluster: ClusterSource;
  readonly #clock: Clock;
  readonly #open = new Set<ServerResponse>();
  #isWatching = false;
  #isClosed = false;
  #stopWaiting = new AbortController();

  constructor(cluster: ClusterSource, clock: Clock) {
    this.#cluster = cluster;
    this.#clock = clock;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Answers with a stream: the state now, and again whenever it has changed. */
  add(request: FastifyRequest, reply: FastifyReply): void {
    if (this.#isClosed || this.#open.size >= limits.streams) {
      throw new ServiceError('unavailable', 'too many streams are open');
    }
    reply.hijack();
    const { raw } = reply;
    for (const [name, value] of Object.entries(reply.getHeaders())) {
      if (value !== undefined) raw.setHeader(name, value);
    }
    raw.writeHead(200, { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' });
    this.#open.add(raw);
    raw.on('close', () => this.#open.delete(raw));
    raw.on('error', () => this.#open.delete(raw));
    request.raw.socket.setKeepAlive(true);
    this.#cluster.refresh();
    raw.write(`retry: 2000\n\n${this.#event()}`);
    if (!this.#isWatching) void this.#watch();
  }

  /** Ends all streams; there are no more. */
  close(): void {
    this.#isClosed = true;
    this.#stopWaiting.abort();
    for (const raw of this.#open) raw.end();
    this.#open.clear();
  }

  #event(): string {
    const state = this.#cluster.state();
    return `event: state\nid: ${state.seq}\ndata: ${JSON.stringify(state)}\n\n`;
  }

  /** Looks for news as long as anybody listens. */
  async #watch(): Promise<void> {
    this.#isWatching = true;
    let quietSinceMs = this.#clock.monotonicMs();
    while (this.#open.size > 0) {
      await this.#clock.sleep(limits.pollMs, this.#stopWaiting.signal);
      if (this.#isClosed) break;
      const nowMs = this.#clock.monotonicMs();
      if (this.#refresh()) this.#send(this.#event());
      else if (nowMs - quietSinceMs >= limits.quietMs) this.#send(': still here\n\n');
      else continue;
      quietSinceMs = nowMs;
    }
    this.#isWatching = false;
  }

  /** A journal that cannot be read now may be readable at the next look. */
  #refresh(): boolean {
    try {
      return this.#cluster.refresh();
    } catch {
      return false;
    }
  }

  #send(text: string): void {
    for (const raw of this.#open) {
      if (raw.writableLength > limits.backlogBytes) raw.destroy();
      else raw.write(text);
    }
  }
}
