/** Puts an answer's body together, little endian as the protocol is throughout. */
export class ByteWriter {
  readonly #parts: number[] = [];
  readonly #scratch = new DataView(new ArrayBuffer(4));

  u8(value: number): this {
    this.#parts.push(value & 0xff);
    return this;
  }

  u16(value: number): this {
    return this.u8(value).u8(value >>> 8);
  }

  u32(value: number): this {
    return this.u16(value % 0x1_0000).u16(Math.floor(value / 0x1_0000));
  }

  /** The nearest float of 32 bits, as the provider's servers round volumes and amounts. */
  f32(value: number): this {
    this.#scratch.setFloat32(0, Math.fround(value), true);
    return this.u32(this.#scratch.getUint32(0, true));
  }

  /** A sign and six bits, then seven bits a byte; sums of powers of two, since volumes pass 31 bits. */
  varint(value: number): this {
    const magnitude = Math.abs(value);
    let rest = Math.floor(magnitude / 64);
    this.u8((magnitude % 64) + (value < 0 ? 0x40 : 0) + (rest > 0 ? 0x80 : 0));
    while (rest > 0) {
      const low = rest % 128;
      rest = Math.floor(rest / 128);
      this.u8(low + (rest > 0 ? 0x80 : 0));
    }
    return this;
  }

  /** Cut off, or filled up with zeros, to exactly so many bytes. */
  fixed(bytes: Uint8Array, length: number): this {
    for (let index = 0; index < length; index += 1) {
      this.u8(bytes[index] ?? 0);
    }
    return this;
  }

  zeros(count: number): this {
    return this.fixed(new Uint8Array(), count);
  }

  digits(text: string): this {
    return this.fixed(Buffer.from(text, "latin1"), 6);
  }

  toBuffer(): Buffer {
    return Buffer.from(this.#parts);
  }
}
