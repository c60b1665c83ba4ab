/** Deliveries that were open when the process died again. They run one at a time, and nothing else beside them, so that only one can be the culprit. */
import type { Ends } from "../../records/attempt.ts";
import type { Delivery } from "./delivery.ts";
import { alonePatienceMs, noEnds } from "./ends.ts";
import type { Lane } from "./lane.ts";

export class Suspects {
  /** The suspect's revision in each lane. */
  readonly #revisions = new Map<Lane, number>();
  /** How long the others wait for each of them. */
  readonly #patienceMs = new Map<Lane, number>();
  /** The flush that records what the last one came to. */
  #untilFlush = 0;
  #running: Delivery | null = null;

  /** Suspects wait to run alone: no other handler of the process may run meanwhile. */
  any(): boolean {
    return this.#revisions.size > 0;
  }

  has(lane: Lane): boolean {
    return this.#revisions.has(lane);
  }

  all(): Iterable<readonly [Lane, number]> {
    return this.#revisions;
  }

  add(lane: Lane, revision: number, ends: Ends): void {
    this.#revisions.set(lane, revision);
    this.#patienceMs.set(lane, alonePatienceMs(ends));
  }

  remove(lane: Lane): void {
    this.#revisions.delete(lane);
    this.#patienceMs.delete(lane);
  }

  /** Before the next one runs, what the last one came to is on record. @param stored the last flush that is. */
  isNextDue(stored: number): boolean {
    return this.#untilFlush <= stored;
  }

  started(delivery: Delivery): void {
    this.#running = delivery;
  }

  /** @param flush that records its outcome. @returns whether its lane has no suspect any more. */
  concluded({ lane, event }: Delivery, flush: number): boolean {
    const revision = this.#revisions.get(lane);
    if (revision === undefined) return false;
    this.#untilFlush = flush;
    if (revision !== event.revision) return false;
    this.remove(lane);
    return true;
  }

  /** Its call has ended, or has given its slot back. */
  gaveBack(delivery: Delivery): void {
    if (this.#running === delivery) this.#running = null;
  }

  /** Monotonic time at which the others go on although the suspect still runs; null: none runs. */
  patienceEndsMs(): number | null {
    if (this.#running === null) return null;
    const { lane, startedMs } = this.#running;
    return startedMs + (this.#patienceMs.get(lane) ?? alonePatienceMs(noEnds));
  }

  /** The others have waited long enough. From now on the suspects run like anything else, each recorded first. @returns the one that runs. */
  endPatience(): Delivery | null {
    const running = this.#running;
    this.#running = null;
    for (const [lane, revision] of this.#revisions) lane.suspectThrough = Math.max(lane.suspectThrough, revision);
    this.#revisions.clear();
    this.#patienceMs.clear();
    return running;
  }
}
