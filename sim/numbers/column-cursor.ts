/** Takes columns from a buffer one after the other; with no buffer it only measures. */
export class Cursor {
  offset = 0;
  readonly #buffer: SharedArrayBuffer | undefined;

  constructor(buffer: SharedArrayBuffer | undefined) {
    this.#buffer = buffer;
  }

  f64(length: number): Float64Array {
    const start = this.#advance(length * 8);
    return this.#buffer === undefined
      ? new Float64Array(0)
      : new Float64Array(this.#buffer, start, length);
  }

  i32(length: number): Int32Array {
    const start = this.#advance(length * 4);
    return this.#buffer === undefined
      ? new Int32Array(0)
      : new Int32Array(this.#buffer, start, length);
  }

  u32(length: number): Uint32Array {
    const start = this.#advance(length * 4);
    return this.#buffer === undefined
      ? new Uint32Array(0)
      : new Uint32Array(this.#buffer, start, length);
  }

  #advance(bytes: number): number {
    const start = this.offset;
    // Every column starts on a multiple of 8 bytes.
    this.offset += (bytes + 7) & ~7;
    return start;
  }
}
