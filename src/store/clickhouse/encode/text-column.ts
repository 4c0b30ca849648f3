import { cleanText } from "./clean-text.ts";
import type { ColumnEncoder } from "./column.ts";

const BYTES_A_ROW_GUESS = 16;

/** `String`: length and UTF-8 of the cleaned text. A table's LowCardinality(String) takes it, too. */
export function textColumn<Row>(name: string, get: (row: Row) => string): ColumnEncoder<Row> {
  return {
    name,
    type: "String",
    encode(rows) {
      const out = new TextBuffer(rows.length * BYTES_A_ROW_GUESS + 64);
      for (const row of rows) {
        out.write(get(row));
      }
      return [out.take()];
    },
  };
}

/**
 * A growing buffer of length-prefixed texts. Rows of a call share their ids and a code's rows its code, so equal neighbours
 * are only counted and then filled in at once.
 */
class TextBuffer {
  #buffer: Buffer;
  #length = 0;
  #last: string | undefined;
  #lastAt = 0;
  #repeats = 0;

  constructor(capacity: number) {
    this.#buffer = Buffer.allocUnsafe(capacity);
  }

  write(text: string): void {
    if (text === this.#last) {
      this.#repeats += 1;
      return;
    }
    this.#fillRepeats();
    this.#last = text;
    this.#lastAt = this.#length;
    if (text.length > 127 || !this.#writeAscii(text)) {
      this.#writeAny(cleanText(text));
    }
  }

  take(): Buffer {
    this.#fillRepeats();
    return this.#buffer.subarray(0, this.#length);
  }

  #fillRepeats(): void {
    if (this.#repeats > 0) {
      const size = this.#length - this.#lastAt;
      const more = size * this.#repeats;
      this.#reserve(more);
      this.#buffer.fill(this.#buffer.subarray(this.#lastAt, this.#length), this.#length, this.#length + more);
      this.#length += more;
      this.#repeats = 0;
    }
  }

  /** False, with nothing written, when some character is not printable ASCII. */
  #writeAscii(text: string): boolean {
    const size = text.length;
    this.#reserve(size + 1);
    const buffer = this.#buffer;
    const start = this.#length + 1;
    for (let index = 0; index < size; index += 1) {
      const code = text.charCodeAt(index);
      if (code < 32 || code > 126) {
        return false;
      }
      buffer[start + index] = code;
    }
    buffer[start - 1] = size;
    this.#length = start + size;
    return true;
  }

  #writeAny(clean: string): void {
    const bytes = Buffer.from(clean);
    this.#reserve(bytes.length + 10);
    this.#length = writeVarint(this.#buffer, this.#length, bytes.length);
    this.#length += bytes.copy(this.#buffer, this.#length);
  }

  #reserve(more: number): void {
    if (this.#length + more > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + more));
      this.#buffer.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    }
  }
}

/** LEB128, unsigned, as ClickHouse writes lengths. Returns where it ends. */
export function writeVarint(buffer: Buffer, at: number, value: number): number {
  let rest = value;
  let end = at;
  while (rest > 127) {
    buffer[end] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
    end += 1;
  }
  buffer[end] = rest;
  return end + 1;
}
