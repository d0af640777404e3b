/**
 * A checksum of 64 bits over whole columns, four bytes at a time: fast enough for the states of the
 * largest clusters, meant against damage and mix-ups, not against malice.
 *
 * Four lanes take the 32-bit words in turn, as multiply and rotate: a one-to-one function of the
 * lane and of the word, so a change of one word always changes the lane. The lanes end in the
 * finisher of MurmurHash3 (A. Appleby, public domain).
 */

/** 64 bits over the bytes of all parts and their lengths, in hexadecimal. */
export function checksum(parts: readonly Uint8Array[]): string {
  let a = 0x811c9dc5 | 0;
  let b = 0x01000193;
  let c = 0x2545f491;
  let d = 0x6a09e667;
  for (const part of parts) {
    const words = wordsOf(part);
    const quads = words.length & ~3;
    for (let index = 0; index < quads; index += 4) {
      a = mix(a, words[index]!);
      b = mix(b, words[index + 1]!);
      c = mix(c, words[index + 2]!);
      d = mix(d, words[index + 3]!);
    }
    for (let index = quads; index < words.length; index++) a = mix(a, words[index]!);
    for (let index = words.length * 4; index < part.length; index++) b = mix(b, part[index]!);
    c = mix(c, part.length);
  }
  const first = [a, b, c, d].reduce((sum, lane) => finish(sum ^ lane), 0);
  const second = [d, c, b, a].reduce((sum, lane) => finish(sum ^ lane), first);
  return hex(first) + hex(second);
}

/** The whole words of `part`; copied where they are not aligned. */
function wordsOf(part: Uint8Array): Int32Array {
  const aligned = part.byteOffset % 4 === 0 ? part : part.slice();
  return new Int32Array(aligned.buffer, aligned.byteOffset, part.length >>> 2);
}

function mix(lane: number, word: number): number {
  const product = Math.imul(lane ^ word, 0x9e3779b1);
  return (product << 13) | (product >>> 19);
}

/** Every bit of the result depends on every bit of `bits`. */
function finish(bits: number): number {
  const half = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  const whole = Math.imul(half ^ (half >>> 13), 0xc2b2ae35);
  return whole ^ (whole >>> 16);
}

const hex = (value: number): string => (value >>> 0).toString(16).padStart(8, '0');
