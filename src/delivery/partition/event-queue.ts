import type { StoredEvent } from "../../event/event.ts";

/** What waits in one lane. Mostly that is one event, or none: an array would be allotted anew for each event, with room for seventeen. */
export class EventQueue {
  #first: StoredEvent | undefined = undefined;
  #rest: StoredEvent[] = none;

  get length(): number {
    return this.#first === undefined ? 0 : 1 + this.#rest.length;
  }

  first(): StoredEvent | undefined {
    return this.#first;
  }

  last(): StoredEvent | undefined {
    return this.#rest.at(-1) ?? this.#first;
  }

  push(event: StoredEvent): void {
    if (this.#first === undefined) this.#first = event;
    else if (this.#rest === none) this.#rest = [event];
    else this.#rest.push(event);
  }

  /** Takes the first one out. */
  shift(): void {
    this.#first = this.#rest.shift();
    if (this.#rest.length === 0) this.#rest = none;
  }

  /** Puts one back before all others. */
  unshift(event: StoredEvent): void {
    if (this.#first !== undefined) this.#rest = [this.#first, ...this.#rest];
    this.#first = event;
  }

  clear(): void {
    this.#first = undefined;
    this.#rest = none;
  }
}

/** Of all queues that hold one event at most. Never written to. */
const none: StoredEvent[] = [];
