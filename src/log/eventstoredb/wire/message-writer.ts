/** Writes one message in protobuf's wire format, from its first field to its last, into a buffer that is made once. */
export class MessageWriter {
  readonly #kept: Buffer;
  #buffer: Buffer;
  #at = 0;

  /** @param keptBytes of the buffer that is used again; a longer message has one of its own. */
  constructor(keptBytes = 64 * 1024) {
    this.#kept = Buffer.allocUnsafeSlow(keptBytes);
    this.#buffer = this.#kept;
  }

  /** @param maxBytes the message has at most so many. */
  begin(maxBytes: number): void {
    this.#buffer = maxBytes <= this.#kept.length ? this.#kept : Buffer.allocUnsafe(maxBytes);
    this.#at = 0;
  }

  /** A copy of what was written. */
  end(): Buffer {
    const message = Buffer.from(this.#buffer.subarray(0, this.#at));
    this.#buffer = this.#kept;
    return message;
  }

  text(field: number, text: string): void {
    const bytes = Buffer.byteLength(text);
    this.#tag(field, lengthDelimited);
    this.#varint(bytes);
    this.#at += this.#buffer.write(text, this.#at, bytes, "utf8");
  }

  /** A number from 0 to 2⁵³ − 1, or true as 1. */
  number(field: number, value: number): void {
    this.#tag(field, varint);
    this.#varint(value);
  }

  big(field: number, value: bigint): void {
    this.#tag(field, varint);
    let left = value;
    for (; left > 127n; left >>= 7n) this.#buffer[this.#at++] = Number(left & 127n) | 128;
    this.#buffer[this.#at++] = Number(left);
  }

  /** A message inside: its fields follow until `close`. */
  open(field: number): number {
    this.#tag(field, lengthDelimited);
    this.#at += reservedBytes;
    return this.#at;
  }

  /** @param from what `open` returned. */
  close(from: number): void {
    let length = this.#at - from;
    for (let at = from - reservedBytes; at < from - 1; at++) {
      this.#buffer[at] = (length & 127) | 128;
      length >>>= 7;
    }
    this.#buffer[from - 1] = length;
  }

  empty(field: number): void {
    this.#tag(field, lengthDelimited);
    this.#varint(0);
  }

  #tag(field: number, kind: number): void {
    this.#buffer[this.#at++] = (field << 3) | kind;
  }

  #varint(value: number): void {
    let left = value;
    while (left > 127) {
      this.#buffer[this.#at++] = (left % 128) | 128;
      left = Math.floor(left / 128);
    }
    this.#buffer[this.#at++] = left;
  }
}

const varint = 0;
const lengthDelimited = 2;
/** For the length of a message inside, which is known only at its end: enough for 256 MB. A length may have leading zeros. */
const reservedBytes = 4;
