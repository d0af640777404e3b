/**
 * Writes Protocol Buffers messages: a message is a run of (field number, wire type, value). Only
 * the three wire types that ONNX uses here: varint (0), length-delimited (2), 32-bit (5).
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 */

const text = new TextEncoder();

/** One message under construction. */
export class Message {
  readonly #chunks: Uint8Array[] = [];
  #size = 0;

  /** An integer field; negative values take ten bytes, as int64 does. */
  integer(field: number, value: number | bigint): this {
    return this.#tag(field, 0).#varint(BigInt(value));
  }

  string(field: number, value: string): this {
    return this.bytes(field, text.encode(value));
  }

  bytes(field: number, value: Uint8Array): this {
    return this.#tag(field, 2).#varint(BigInt(value.length)).#append(value);
  }

  message(field: number, value: Message): this {
    this.#tag(field, 2).#varint(BigInt(value.#size));
    for (const chunk of value.#chunks) this.#append(chunk);
    return this;
  }

  float(field: number, value: number): this {
    const raw = new Uint8Array(4);
    new DataView(raw.buffer).setFloat32(0, value, true);
    return this.#tag(field, 5).#append(raw);
  }

  /** The encoded message. */
  encode(): Uint8Array {
    const encoded = new Uint8Array(this.#size);
    let offset = 0;
    for (const chunk of this.#chunks) {
      encoded.set(chunk, offset);
      offset += chunk.length;
    }
    return encoded;
  }

  #tag(field: number, wireType: number): this {
    return this.#varint(BigInt(field * 8 + wireType));
  }

  /** Seven bits a byte, lowest first; the top bit says that more follow. */
  #varint(value: bigint): this {
    const digits: number[] = [];
    let rest = BigInt.asUintN(64, value);
    while (rest > 127n) {
      digits.push(Number(rest & 127n) | 128);
      rest >>= 7n;
    }
    digits.push(Number(rest));
    return this.#append(Uint8Array.from(digits));
  }

  #append(chunk: Uint8Array): this {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    return this;
  }
}
