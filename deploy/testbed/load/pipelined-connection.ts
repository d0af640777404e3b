/**
 * One connection with many requests under way, for a server that answers in order. It never hangs: a
 * server that moved answers late, one that died does not answer, and either way each request ends with
 * an answer or a failure.
 */
import { connect, type Socket } from 'node:net';
import type { Clock } from '../../clock.ts';

/** How requests become bytes and bytes answers. */
export interface Protocol<Request, Reply> {
  encode(request: Request): Buffer;
  /** What finds the answers of one connection; it throws at what is none. */
  parser(): { push(chunk: Buffer): Reply[] };
}

/** Why a request got no answer. */
export type Failure =
  /** No connection at that moment. */
  | 'unreachable'
  /** The connection broke with the request under way; the server may or may not have done it. */
  | 'lost'
  /** No answer within the limit. */
  | 'timeout'
  /** More requests under way than the client keeps. */
  | 'overflow'
  /** The other side does not speak the protocol. */
  | 'protocol';

export type Answer<Reply> =
  | { readonly reply: Reply; readonly failure?: undefined }
  | { readonly reply?: undefined; readonly failure: Failure };

export interface ConnectionOptions {
  readonly address: string;
  readonly port: number;
  readonly clock: Clock;
  /** Limit for one answer and for connecting, ms. A live migration stops a guest for less. */
  readonly timeoutMs: number;
  /** Requests under way at most; a server that stalls piles them up. */
  readonly inFlightMax: number;
}

interface Pending<Reply> {
  readonly sentMs: number;
  readonly then: (answer: Answer<Reply>) => void;
}

/** Between two attempts to connect, ms: doubled each time, up to the second. */
const retryFirstMs = 100;
const retryLastMs = 2000;

export class PipelinedConnection<Request, Reply> {
  readonly #protocol: Protocol<Request, Reply>;
  readonly #options: ConnectionOptions;
  #socket: Socket | undefined;
  #isConnected = false;
  #isClosed = false;
  #retryMs = retryFirstMs;
  #requests: Pending<Reply>[] = [];
  /** Requests before this one in `#requests` have been answered. */
  #answered = 0;
  #stopWatch: (() => void) | undefined;
  #stopRetry: (() => void) | undefined;
  #reconnects = 0;
  #wake: (() => void)[] = [];

  constructor(protocol: Protocol<Request, Reply>, options: ConnectionOptions) {
    this.#protocol = protocol;
    this.#options = options;
    this.#connect();
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  /** Connections made after the first. */
  get reconnects(): number {
    return Math.max(0, this.#reconnects - 1);
  }

  get inFlight(): number {
    return this.#requests.length - this.#answered;
  }

  /** Resolves when connected, or when `signal` aborts; says which. */
  async connected(signal: AbortSignal): Promise<boolean> {
    if (this.#isConnected || signal.aborted) return this.#isConnected;
    await new Promise<void>((resolve) => {
      this.#wake.push(resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    return this.#isConnected;
  }

  /** Sends a request; `then` is called once, perhaps before this returns. */
  send(request: Request, then: (answer: Answer<Reply>) => void): void {
    const socket = this.#socket;
    if (!this.#isConnected || socket === undefined) {
      then({ failure: 'unreachable' });
      return;
    }
    if (this.inFlight >= this.#options.inFlightMax) {
      then({ failure: 'overflow' });
      return;
    }
    this.#requests.push({ sentMs: this.#options.clock.monotonicMs(), then });
    socket.write(this.#protocol.encode(request));
    this.#watch();
  }

  /** Ends the connection; requests under way fail as lost. */
  close(): void {
    this.#isClosed = true;
    this.#stopRetry?.();
    this.#drop('lost');
    this.#wakeAll();
  }

  #connect(): void {
    const { address, port, clock, timeoutMs } = this.#options;
    const socket = connect({ host: address, port, noDelay: true });
    const parser = this.#protocol.parser();
    this.#socket = socket;
    const giveUp = clock.after(timeoutMs, () => socket.destroy());
    socket.on('connect', () => {
      giveUp();
      this.#isConnected = true;
      this.#reconnects += 1;
      this.#retryMs = retryFirstMs;
      this.#wakeAll();
    });
    socket.on('data', (chunk: Buffer) => {
      let replies: Reply[];
      try {
        replies = parser.push(chunk);
      } catch {
        // What comes next cannot be told apart any more.
        this.#drop('protocol');
        return;
      }
      for (const reply of replies) {
        // What an answer sets off may end the connection.
        if (this.#socket === socket) this.#answer(reply);
      }
    });
    // `close` follows and does the work.
    socket.on('error', () => socket.destroy());
    socket.on('end', () => socket.destroy());
    socket.on('close', () => {
      giveUp();
      if (this.#socket === socket) this.#drop('lost');
    });
  }

  #answer(reply: Reply): void {
    const request = this.#requests[this.#answered];
    if (request === undefined) {
      this.#drop('protocol');
      return;
    }
    this.#answered += 1;
    if (this.#answered === this.#requests.length || this.#answered > 1024) {
      this.#requests = this.#requests.slice(this.#answered);
      this.#answered = 0;
    }
    request.then({ reply });
  }

  /** Ends the socket and all requests on it, and connects anew after a while. */
  #drop(failure: Failure): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#isConnected = false;
    this.#stopWatch?.();
    this.#stopWatch = undefined;
    socket?.destroy();
    const failed = this.#requests.slice(this.#answered);
    this.#requests = [];
    this.#answered = 0;
    if (!this.#isClosed && socket !== undefined) {
      this.#stopRetry = this.#options.clock.after(this.#retryMs, () => this.#connect());
      this.#retryMs = Math.min(retryLastMs, 2 * this.#retryMs);
    }
    for (const request of failed) request.then({ failure });
  }

  /** Sees to it that the oldest request does not wait for ever. */
  #watch(): void {
    if (this.#stopWatch !== undefined) return;
    const { clock, timeoutMs } = this.#options;
    const oldest = this.#requests[this.#answered];
    if (oldest === undefined) return;
    const leftMs = oldest.sentMs + timeoutMs - clock.monotonicMs();
    this.#stopWatch = clock.after(Math.max(1, leftMs), () => {
      this.#stopWatch = undefined;
      const first = this.#requests[this.#answered];
      const isLate = first !== undefined && clock.monotonicMs() - first.sentMs >= timeoutMs;
      if (isLate) this.#drop('timeout');
      else this.#watch();
    });
  }

  #wakeAll(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const resume of waiting) resume();
  }
}
