/**
 * A connection to a service in a testbed's network that answers one line with one line.
 *
 * The network is in a namespace of its own, where this process cannot open sockets. A helper that was
 * started there (`nsenter … busybox nc`) carries the bytes between the connection and its own standard
 * input and output.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { Clock } from '../../clock.ts';
import { printable } from '../../operation-error.ts';
import { TestbedError } from '../testbed-error.ts';

export interface LineTarget {
  /** Name of the network namespace, as `ip netns` has it. */
  readonly netns: string;
  readonly address: string;
  readonly port: number;
  readonly clock: Clock;
}

/** The command line of the helper. */
export function carrierCommand({ netns, address, port }: Omit<LineTarget, 'clock'>): string[] {
  return ['nsenter', `--net=/run/netns/${netns}`, 'busybox', 'nc', address, String(port)];
}

/** An answer of more is none of ours. */
const lineBytesMax = 1024 * 1024;

interface Waiting {
  readonly resolve: (line: string) => void;
  readonly reject: (error: Error) => void;
}

/** One at a time or many at once: answers come in the order of the questions. */
export class LineConnection {
  readonly #target: LineTarget;
  readonly #carrier: ChildProcessWithoutNullStreams;
  readonly #waiting: Waiting[] = [];
  #rest = '';
  #messages = '';
  #failure: TestbedError | undefined;

  constructor(target: LineTarget, command: readonly string[] = carrierCommand(target)) {
    this.#target = target;
    const [program, ...args] = command;
    this.#carrier = spawn(program!, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#carrier.stdout.setEncoding('utf8').on('data', (text: string) => this.#take(text));
    this.#carrier.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#messages = (this.#messages + text).slice(-1000);
    });
    // What it says when it ends is in its exit.
    this.#carrier.stdin.on('error', () => this.#carrier.stdin.destroy());
    this.#carrier.on('error', (error) => this.#fail(error.message));
    this.#carrier.on('close', () => this.#fail(this.#messages.trim() || 'the connection ended'));
  }

  /**
   * Sends a line and waits for the one that answers it. After a timeout the connection is closed: a late
   * answer would be taken for that of the next question.
   *
   * @throws TestbedError `ERR_AGENT` when there is no answer.
   */
  async ask(line: string, timeoutMs: number): Promise<string> {
    if (this.#failure !== undefined) throw this.#failure;
    return await new Promise<string>((resolve, reject) => {
      const cancel = this.#target.clock.after(timeoutMs, () => {
        this.#fail(`no answer to \`${line}\` within ${timeoutMs / 1000} s`);
        this.close();
      });
      this.#waiting.push({
        resolve: (answer) => {
          cancel();
          resolve(answer);
        },
        reject: (error) => {
          cancel();
          reject(error);
        },
      });
      this.#carrier.stdin.write(`${line}\n`);
    });
  }

  /** Ends the connection; questions without an answer fail. */
  close(): void {
    this.#fail('the connection was closed');
    this.#carrier.stdin.destroy();
    this.#carrier.kill('SIGKILL');
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#waiting.shift()?.resolve(line.replace(/\r$/, ''));
    if (this.#rest.length > lineBytesMax) {
      this.#fail('an answer without end');
      this.close();
    }
  }

  #fail(what: string): void {
    const { address, port } = this.#target;
    this.#failure ??= new TestbedError('ERR_AGENT', `${address}:${port}: ${printable(what)}`);
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
  }
}
