/** One reader of the log: what waits for it, and up to where it has been told. */
import type { Position } from "../../event/event.ts";
import { type Place, placeText, type Told } from "./told.ts";
import { isWanted, type Wanted } from "./wanted.ts";

/** What may wait for a reader. One message waits whatever its size. */
export const maxBehindBytes = 1024 * 1024;

/** Where a reader's messages go. */
export interface Sink {
  /** Takes one message, with the place that is its id. @returns false: nothing more before `onDrained` is called. */
  send(message: Uint8Array, id: string): boolean;
  onDrained(call: () => void): void;
}

/** Why a reader is told nothing more. `gone`: the log does not have its place. */
export type FollowEnd = "behind" | "gone" | "closed" | "left";

export interface ReaderOptions {
  readonly wanted: Wanted;
  /** The types under which the log holds the wanted type; null: all are wanted. */
  readonly storedTypes: ReadonlySet<string> | null;
  readonly from: Place;
  readonly sink: Sink;
  /** The bytes of a message; the same ones each time, because many readers are told it. */
  readonly encode: (told: Told) => Uint8Array;
  readonly onBehind: () => void;
}

interface Waiting {
  readonly message: Uint8Array;
  readonly id: string;
}

export class Reader {
  readonly wanted: Wanted;
  readonly #options: ReaderOptions;
  /** Everything up to here was looked at for this reader. */
  reached: Position;
  /** Of the record after `reached`, whose first messages the reader has had before it came back. */
  #partly: Place | null;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #blocked = false;
  #drained: (() => void)[] = [];

  constructor(options: ReaderOptions) {
    const { wanted, from, sink } = options;
    this.wanted = wanted;
    this.#options = options;
    this.reached = from.position;
    this.#partly = from.told === null ? null : from;
    sink.onDrained(() => this.#flush());
  }

  /** Begins at the record before the one of which the reader has had a part. */
  beginAfter(position: Position): void {
    this.reached = position;
  }

  /** Something waits: the reader takes no more just now. */
  get isBlocked(): boolean {
    return this.#blocked;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** The messages of the next record; those that the reader does not want, or has had, are left out. */
  take(position: Position, all: readonly Told[]): void {
    if (position <= this.reached) return;
    this.reached = position;
    const had = this.#partly?.position === position ? this.#partly.told! : 0;
    if (this.#partly !== null && position >= this.#partly.position) this.#partly = null;
    if (all.length === 0) return;
    const { wanted, storedTypes, encode } = this.#options;
    const told = all.filter((each) => each.index >= had && isWanted(wanted, each, storedTypes));
    for (const [place, each] of told.entries())
      this.#give({ message: encode(each), id: placeText({ position, told: place === told.length - 1 ? null : each.index + 1 }) });
  }

  /** Nothing of the log waits for it: its place, for a message that says that all is well. */
  get idlePlace(): string | null {
    return this.#blocked || this.#waiting.length > 0 || this.#partly !== null ? null : placeText({ position: this.reached, told: null });
  }

  /** Resolves when nothing waits any more. */
  drained(): Promise<void> {
    return this.#blocked ? new Promise((resolve) => this.#drained.push(resolve)) : Promise.resolve();
  }

  /** Forgets what waits. */
  clear(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const resolve of this.#drained.splice(0)) resolve();
  }

  #give(next: Waiting): void {
    if (!this.#blocked) {
      this.#blocked = !this.#options.sink.send(next.message, next.id);
      return;
    }
    this.#waiting.push(next);
    this.#waitingBytes += next.message.length;
    if (this.#waitingBytes > maxBehindBytes && this.#waiting.length > 1) this.#options.onBehind();
  }

  #flush(): void {
    this.#blocked = false;
    let sent = 0;
    while (sent < this.#waiting.length && !this.#blocked) {
      const { message, id } = this.#waiting[sent++]!;
      this.#waitingBytes -= message.length;
      this.#blocked = !this.#options.sink.send(message, id);
    }
    this.#waiting.splice(0, sent);
    if (!this.#blocked) for (const resolve of this.#drained.splice(0)) resolve();
  }
}
