import type { MessageReader } from "./message-reader.ts";

/** An event as the server has it. Its data and metadata are parsed when they are asked for, because most readers need few of them. */
export class Recorded {
  id = "";
  /** The stream's name on the server. */
  streamId = "";
  revision = 0;
  /** Where it stands in the log of the server. */
  position = 0n;
  type = "<no-event-type-provided>";
  isJson = false;
  /** Of its data and its metadata, as they are stored. */
  bytes = 0;
  /** When the server stored it, in its own count of time. */
  #created = "";
  #data: Buffer = none;
  #metadata: Buffer = none;

  constructor(message: MessageReader) {
    for (let field = message.next(); field !== 0; field = message.next())
      if (field === 1) this.id = uuidOf(message.message());
      else if (field === 2) this.streamId = nameOf(message.message());
      else if (field === 3) this.revision = message.number();
      else if (field === 5) this.position = message.big();
      else if (field === 6) this.#about(message.message());
      else if (field === 7) this.#metadata = message.slice();
      else if (field === 8) this.#data = message.slice();
      else message.skip();
    this.bytes = this.#data.length + this.#metadata.length;
  }

  /** JSON that does not parse stays a text; what is not JSON is bytes. */
  get data(): unknown {
    if (!this.isJson) return this.#data;
    const text = this.#data.toString();
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  }

  /** Undefined: there is none, or it is not JSON. */
  get metadata(): unknown {
    try {
      return this.#metadata.length === 0 ? undefined : JSON.parse(this.#metadata.toString());
    } catch {
      return undefined;
    }
  }

  /** When the server stored it. */
  get createdMs(): number {
    return /^\d{1,19}$/.test(this.#created) ? Number(BigInt(this.#created) / ticksPerMs) : 0;
  }

  #about(entry: MessageReader): void {
    let name = "";
    let value = "";
    for (let field = entry.next(); field !== 0; field = entry.next())
      if (field === 1) name = entry.text();
      else if (field === 2) value = entry.text();
      else entry.skip();
    if (name === "type") this.type = value;
    else if (name === "content-type") this.isJson = value === "application/json";
    else if (name === "created") this.#created = value;
  }
}

const none = Buffer.alloc(0);
/** The server counts time in so many steps a millisecond. */
const ticksPerMs = 10_000n;

function nameOf(identifier: MessageReader): string {
  for (let field = identifier.next(); field !== 0; field = identifier.next())
    if (field === 3) return identifier.text();
    else identifier.skip();
  return "";
}

function uuidOf(uuid: MessageReader): string {
  for (let field = uuid.next(); field !== 0; field = uuid.next())
    if (field === 2) return uuid.text();
    else uuid.skip();
  return "";
}
