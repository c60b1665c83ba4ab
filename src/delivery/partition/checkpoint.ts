import type { Position } from "../../event/event.ts";
import { Fifo } from "./fifo.ts";
import type { Lane } from "./lane.ts";

interface Offered {
  readonly lane: Lane;
  readonly revision: number;
  readonly position: Position;
  readonly bytes: number;
}

/**
 * How far a handler is done. The checkpoint is the last event before which every wanted one is done or belongs to a detached lane, whose record says
 * where it stands; what was handed to attached lanes beyond it is kept here in log order.
 */
export class Checkpoint {
  readonly #offered = new Fifo<Offered>();
  /** Everything up to here was looked at. */
  #scanned: Position;
  /** Last event that left `#offered`. */
  #passed: Position;
  #recorded: Position;
  #passedUnrecorded = 0;
  #bytes = 0;
  /** Looks at events that the handler does not want, since the last flush. */
  #foreign = 0;

  constructor(recorded: Position) {
    this.#scanned = this.#passed = this.#recorded = recorded;
  }

  get scanned(): Position {
    return this.#scanned;
  }

  get recorded(): Position {
    return this.#recorded;
  }

  /** @returns false when the subscription had got there before. */
  lookAt(position: Position): boolean {
    if (position <= this.#scanned) return false;
    this.#scanned = position;
    return true;
  }

  /** What was looked at is not wanted. */
  passForeign(): void {
    this.#foreign++;
  }

  get foreign(): number {
    return this.#foreign;
  }

  forgetForeign(): void {
    this.#foreign = 0;
  }

  offer(lane: Lane, revision: number, position: Position, bytes: number): void {
    this.#offered.push({ lane, revision, position, bytes });
    this.#bytes += bytes;
  }

  /** Events beyond the recorded checkpoint. */
  readAhead(): number {
    return this.#offered.length + this.#passedUnrecorded;
  }

  /** Bytes of the events that may still be in memory. */
  bytes(): number {
    return this.#bytes;
  }

  /** The lane whose event keeps the checkpoint where it is. Events before it are done, or belong to a lane that the checkpoint passes. */
  heldBy(): Lane | undefined {
    for (let head = this.#offered.peek(); head !== undefined; head = this.#offered.peek()) {
      if (!head.lane.detached && head.revision >= head.lane.next) return head.lane;
      this.#offered.shift();
      this.#passed = head.position;
      this.#bytes -= head.bytes;
      this.#passedUnrecorded++;
    }
    return undefined;
  }

  /** Where it is now, and how many events it passed that are not recorded yet. */
  now(): { readonly position: Position; readonly passed: number } {
    if (this.heldBy() === undefined && this.#scanned > this.#passed) this.#passed = this.#scanned;
    return { position: this.#passed, passed: this.#passedUnrecorded };
  }

  record({ position, passed }: { readonly position: Position; readonly passed: number }): void {
    this.#recorded = position;
    this.#passedUnrecorded -= passed;
  }
}
