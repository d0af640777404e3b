/** Redis's protocol, in pieces of any size. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  encodeCommand,
  type Reply,
  RespErrorReply,
  RespParser,
  RespProtocolError,
} from '../../../deploy/testbed/load/ycsb/resp.ts';

/** An answer's bytes, by the specification. */
function encode(reply: Reply, isSimple = false): string {
  if (reply === null) return '$-1\r\n';
  if (reply instanceof RespErrorReply) return `-${reply.message}\r\n`;
  if (Array.isArray(reply))
    return `*${reply.length}\r\n${reply.map((one) => encode(one)).join('')}`;
  if (typeof reply === 'number' || typeof reply === 'bigint') return `:${reply}\r\n`;
  const text = reply as string;
  return isSimple ? `+${text}\r\n` : `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
}

const line = fc.string().map((text) => text.replace(/[\r\n]/g, ' '));
const { reply } = fc.letrec<{ reply: Reply }>((tie) => ({
  reply: fc.oneof(
    { depthSize: 'small', maxDepth: 5 },
    fc.string({ unit: 'binary' }),
    fc.maxSafeInteger(),
    fc.constant(null),
    line.map((text) => new RespErrorReply(text)),
    fc.array(tie('reply'), { maxLength: 5 }),
  ),
}));

/** Cuts bytes at the given places. */
function* pieces(bytes: Buffer, cuts: readonly number[]): Generator<Buffer> {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  let from = 0;
  for (const to of [...places, bytes.length]) {
    yield bytes.subarray(from, to);
    from = to;
  }
}

describe('the parser', () => {
  it('finds the same answers however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(reply, { maxLength: 8 }), fc.array(fc.nat()), (replies, cuts) => {
        const bytes = Buffer.from(replies.map((one) => encode(one)).join(''));
        const parser = new RespParser();
        const found = [...pieces(bytes, cuts)].flatMap((piece) => parser.push(piece));
        expect(found).toEqual(replies);
        expect(parser.isInside).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  it('gives an answer as soon as its last byte is there, and not before', () => {
    const bytes = Buffer.from('*3\r\n$4\r\na\r\nb\r\n*-1\r\n*2\r\n:-7\r\n+OK\r\n');
    const parser = new RespParser();
    for (let at = 0; at < bytes.length - 1; at++) {
      expect(parser.push(bytes.subarray(at, at + 1))).toEqual([]);
      expect(parser.isInside).toBe(true);
    }
    expect(parser.push(bytes.subarray(-1))).toEqual([['a\r\nb', null, [-7, 'OK']]]);
  });

  it('keeps numbers that a double cannot', () => {
    const parser = new RespParser();
    const bytes = Buffer.from(':9223372036854775807\r\n:-9007199254740993\r\n:+5\r\n');
    expect(parser.push(bytes)).toEqual([9223372036854775807n, -9007199254740993n, 5]);
  });

  it('reads what a command is written as', () => {
    const words = ['HSET', 'clé', '', 'a\r\nb', '$3'];
    expect(new RespParser().push(encodeCommand(words))).toEqual([words]);
  });

  it('takes a long text in small pieces in a time that grows with its length alone', () => {
    const bytes = Buffer.from(encode('x'.repeat(8_000_000)));
    const parser = new RespParser();
    const found: Reply[] = [];
    for (let at = 0; at < bytes.length; at += 1000) {
      found.push(...parser.push(bytes.subarray(at, at + 1000)));
    }
    expect(found).toHaveLength(1);
    expect((found[0] as string).length).toBe(8_000_000);
  });

  it.each([
    ['an unknown type', 'HTTP/1.1 400 Bad Request\r\n'],
    ['a line feed alone', ':5\n'],
    ['an empty line', '\r\n'],
    ['a length that is none', '$x\r\n'],
    ['a negative length', '*-2\r\n'],
    ['a text too long to be one', '$99999999999\r\n'],
    ['a text longer than said', '$1\r\nab\r\n'],
    ['a number that is none', ':1.5\r\n'],
    ['an array too long to be one', '*2000000\r\n'],
    ['arrays without end', '*1\r\n'.repeat(40)],
    ['a line without end', `+${'x'.repeat(70_000)}`],
  ])('refuses %s', (_, text) => {
    expect(() => new RespParser().push(Buffer.from(text))).toThrow(RespProtocolError);
  });

  it('either answers or refuses, whatever comes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 10 }), (chunks) => {
        const parser = new RespParser();
        try {
          for (const chunk of chunks) parser.push(chunk);
        } catch (error) {
          expect(error).toBeInstanceOf(RespProtocolError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
