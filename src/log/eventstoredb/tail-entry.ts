import type { Position, StoredEvent } from "../../event/event.ts";
import { type Decoded, withData } from "./envelope.ts";
import type { Recorded } from "./wire/recorded.ts";

/** One of the newest events. Its data is decoded when the first subscription asks for it, once for all of them. */
export class TailEntry {
  readonly position: Position;
  readonly bytes: number;
  #event: StoredEvent;
  /** Null: the event has its data. */
  #recorded: Recorded | null;

  constructor(recorded: Recorded, { event, bytes }: Decoded) {
    this.position = recorded.position;
    this.bytes = bytes;
    this.#event = event;
    this.#recorded = recorded;
  }

  /** Its data may be null. */
  get event(): StoredEvent {
    return this.#event;
  }

  whole(): StoredEvent {
    if (this.#recorded !== null) {
      this.#event = withData(this.#event, this.#recorded);
      this.#recorded = null;
    }
    return this.#event;
  }
}
