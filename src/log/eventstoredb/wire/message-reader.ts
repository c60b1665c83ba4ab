/** Reads the fields of one message in protobuf's wire format. After `next`, take the field's value with one of the other methods, or skip it. */
export class MessageReader {
  readonly #bytes: Buffer;
  #at: number;
  readonly #end: number;
  #kind = 0;

  constructor(bytes: Buffer, from = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = from;
    this.#end = end;
  }

  /** The number of the next field; 0 at the end. */
  next(): number {
    if (this.#at >= this.#end) return 0;
    const tag = this.number();
    this.#kind = tag % 8;
    return Math.floor(tag / 8);
  }

  /** Exact up to 2⁵³ − 1. */
  number(): number {
    let value = 0;
    for (let unit = 1; ; unit *= 128) {
      const byte = this.#byte();
      value += (byte & 127) * unit;
      if (byte < 128) return value;
    }
  }

  big(): bigint {
    let value = 0;
    for (let unit = 1; unit <= 2 ** 42; unit *= 128) {
      const byte = this.#byte();
      value += (byte & 127) * unit;
      if (byte < 128) return BigInt(value);
    }
    let exact = BigInt(value);
    for (let shift = 49n; ; shift += 7n) {
      const byte = this.#byte();
      exact += BigInt(byte & 127) << shift;
      if (byte < 128) return exact;
    }
  }

  text(): string {
    const end = this.#length();
    const text = this.#bytes.toString("utf8", this.#at, end);
    this.#at = end;
    return text;
  }

  /** The same memory, not a copy. */
  slice(): Buffer {
    const end = this.#length();
    const slice = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return slice;
  }

  message(): MessageReader {
    const end = this.#length();
    const inside = new MessageReader(this.#bytes, this.#at, end);
    this.#at = end;
    return inside;
  }

  skip(): void {
    if (this.#kind === 0) this.number();
    else if (this.#kind === 1) this.#at += 8;
    else if (this.#kind === 2) this.#at = this.#length();
    else if (this.#kind === 5) this.#at += 4;
    else throw new Error(`A message of the server has a field of the kind ${this.#kind}.`);
  }

  /** The end of a value that has its length before it. */
  #length(): number {
    const length = this.number();
    const end = this.#at + length;
    if (end > this.#end) throw new Error(cutShort);
    return end;
  }

  #byte(): number {
    if (this.#at >= this.#end) throw new Error(cutShort);
    return this.#bytes[this.#at++]!;
  }
}

const cutShort = "A message of the server ends in the middle of a field.";
