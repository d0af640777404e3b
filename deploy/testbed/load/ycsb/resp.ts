/**
 * Redis's wire protocol, version 2 (https://redis.io/docs/latest/develop/reference/protocol-spec/):
 * commands as bytes, and answers from bytes that come in pieces of any size.
 */
import type { Protocol } from '../pipelined-connection.ts';

/** An answer `-CODE message`. */
export class RespErrorReply {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

/** One answer. Texts are UTF-8; a whole number beyond 2^53 is a bigint. */
export type Reply = string | number | bigint | null | RespErrorReply | readonly Reply[];

/** The other side does not speak the protocol: nothing after it can be understood. */
export class RespProtocolError extends Error {
  override readonly name = 'RespProtocolError';
}

/** The bytes of a command. */
export function encodeCommand(command: readonly string[]): Buffer {
  let text = `*${command.length}\r\n`;
  for (const word of command) text += `$${Buffer.byteLength(word)}\r\n${word}\r\n`;
  return Buffer.from(text);
}

/** Redis as a `PipelinedConnection` speaks it. */
export const redisProtocol: Protocol<readonly string[], Reply> = {
  encode: encodeCommand,
  parser: () => new RespParser(),
};

/** Limits against a peer that lies about lengths. Redis's own for bulk texts is 512 MiB. */
const bulkBytesMax = 512 * 1024 * 1024;
const lineBytesMax = 64 * 1024;
const itemsMax = 1024 * 1024;
const depthMax = 32;

const carriageReturn = 13;
const lineFeed = 10;

/** An array whose items are still coming. */
interface OpenArray {
  readonly items: Reply[];
  readonly length: number;
}

/** Finds answers in a stream. One for each connection; of no use after it has thrown. */
export class RespParser {
  #bytes = Buffer.allocUnsafe(16 * 1024);
  /** What is not read yet lies in [start, end). */
  #start = 0;
  #end = 0;
  /** No line ends before this: a line in many pieces is searched once. */
  #searched = 0;
  /** Bytes of the bulk text that comes next, when its length is known. */
  #bulk: number | undefined;
  readonly #arrays: OpenArray[] = [];

  /** Takes bytes; returns the answers that are whole with them. @throws RespProtocolError */
  push(chunk: Uint8Array): Reply[] {
    this.#append(chunk);
    const replies: Reply[] = [];
    for (;;) {
      const value = this.#bulk === undefined ? this.#line() : this.#bulkText(this.#bulk);
      if (value === undefined) return replies;
      const whole = value === opened ? undefined : this.#close(value);
      if (whole !== undefined) replies.push(whole);
    }
  }

  /** Whether bytes of an answer are here whose rest is not. */
  get isInside(): boolean {
    return this.#start < this.#end || this.#bulk !== undefined || this.#arrays.length > 0;
  }

  #append(chunk: Uint8Array): void {
    const left = this.#end - this.#start;
    if (this.#end + chunk.length > this.#bytes.length) {
      const needed = left + chunk.length;
      // Twice what is needed, so that a long text in many pieces is moved few times.
      const target = needed > this.#bytes.length / 2 ? Buffer.allocUnsafe(2 * needed) : this.#bytes;
      this.#bytes.copy(target, 0, this.#start, this.#end);
      this.#bytes = target;
      this.#searched -= this.#start;
      this.#start = 0;
      this.#end = left;
    }
    this.#bytes.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** The value of the line that comes next, if it is here. */
  #line(): Reply | typeof opened | undefined {
    const from = Math.max(this.#start, this.#searched);
    const found = this.#bytes.subarray(0, this.#end).indexOf(lineFeed, from);
    if (found === -1) {
      if (this.#end - this.#start > lineBytesMax) throw new RespProtocolError('a line without end');
      this.#searched = this.#end;
      return undefined;
    }
    if (found === this.#start || this.#bytes[found - 1] !== carriageReturn) {
      throw new RespProtocolError('a line that does not end in CR LF');
    }
    const type = String.fromCharCode(this.#bytes[this.#start]!);
    const text = this.#bytes.toString('utf8', this.#start + 1, found - 1);
    this.#start = found + 1;
    return this.#valueOf(type, text);
  }

  #valueOf(type: string, text: string): Reply | typeof opened {
    switch (type) {
      case '+':
        return text;
      case '-':
        return new RespErrorReply(text);
      case ':':
        return wholeNumber(text);
      case '$': {
        const length = lengthOf(text, bulkBytesMax);
        if (length === -1) return null;
        this.#bulk = length;
        return opened;
      }
      case '*': {
        const length = lengthOf(text, itemsMax);
        if (length === -1) return null;
        if (length === 0) return [];
        if (this.#arrays.length === depthMax) throw new RespProtocolError('arrays too deep');
        this.#arrays.push({ items: [], length });
        return opened;
      }
      default:
        throw new RespProtocolError(`an answer of unknown type ${JSON.stringify(type)}`);
    }
  }

  #bulkText(length: number): string | undefined {
    const end = this.#start + length;
    if (this.#end < end + 2) return undefined;
    if (this.#bytes[end] !== carriageReturn || this.#bytes[end + 1] !== lineFeed) {
      throw new RespProtocolError('a text longer than its length');
    }
    const text = this.#bytes.toString('utf8', this.#start, end);
    this.#start = end + 2;
    this.#bulk = undefined;
    return text;
  }

  /** Puts a value into the array it belongs to; returns the answer if that is whole now. */
  #close(value: Reply): Reply | undefined {
    let whole = value;
    for (;;) {
      const array = this.#arrays.at(-1);
      if (array === undefined) return whole;
      array.items.push(whole);
      if (array.items.length < array.length) return undefined;
      this.#arrays.pop();
      whole = array.items;
    }
  }
}

/** A head was read whose value is still to come. */
const opened = Symbol('opened');

function lengthOf(text: string, max: number): number {
  const length = /^(?:-1|\d{1,10})$/.test(text) ? Number(text) : Number.NaN;
  if (!(length <= max)) throw new RespProtocolError(`a length of ${JSON.stringify(text)}`);
  return length;
}

function wholeNumber(text: string): number | bigint {
  if (!/^[+-]?\d{1,19}$/.test(text)) {
    throw new RespProtocolError(`a number that is ${JSON.stringify(text)}`);
  }
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : BigInt(text);
}
