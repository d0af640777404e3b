/** One host, read again and again: every reading is compared with the one before. */
import { OperationError } from '../operation-error.ts';
import type { Transport } from '../ssh/transport.ts';
import { sampleBetween } from './difference.ts';
import { intervalBetween } from './interval.ts';
import { type HostReading, type ReadingOptions, readHost, readingSections } from './reading.ts';
import type { HostSample } from './sample.ts';

/** What a reading says, given the one before it. */
export type Seen =
  | { readonly kind: 'sample'; readonly host: string; readonly sample: HostSample }
  /** A first reading, from which differences are taken: `reboot` after the host was started anew. */
  | { readonly kind: 'baseline'; readonly host: string; readonly why: 'first' | 'reboot' };

export class HostWatch {
  readonly host: string;
  readonly #transport: Transport;
  readonly #sections: ReturnType<typeof readingSections>;
  #before: HostReading | undefined;

  constructor(host: string, transport: Transport, options: ReadingOptions) {
    this.host = host;
    this.#transport = transport;
    this.#sections = readingSections(options);
  }

  /** @throws OperationError when the host cannot be read, or its time stands still. */
  async read(limits: {
    readonly timeoutMs: number;
    readonly signal?: AbortSignal | undefined;
  }): Promise<Seen> {
    const { host } = this;
    const answer = await this.#transport.run(host, this.#sections, limits);
    const reading = readHost(host, answer);
    if (reading === undefined) {
      const message = `${host}: it has no /proc/uptime; only Linux hosts can be observed`;
      throw new OperationError('ERR_REMOTE_FAILED', host, message);
    }
    const before = this.#before;
    if (before === undefined) {
      this.#before = reading;
      return { kind: 'baseline', host, why: 'first' };
    }
    const interval = intervalBetween(before, reading);
    if (interval.kind === 'frozen') {
      // A reading at a standstill is no start for a difference: the one before stays.
      throw new OperationError(
        'ERR_FROZEN',
        host,
        `${host}: it answers, but its time stands still`,
      );
    }
    this.#before = reading;
    return interval.kind === 'reboot'
      ? { kind: 'baseline', host, why: 'reboot' }
      : { kind: 'sample', host, sample: sampleBetween(before, reading, interval) };
  }
}
