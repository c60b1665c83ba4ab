/** Deliveries that were open when the process died again. They run one at a time, and nothing else beside them, so that only one can be the culprit. */
import type { Ends } from "../../records/attempt.ts";
import type { Delivery } from "./delivery.ts";
import { alonePatienceMs, noEnds } from "./ends.ts";
import type { Lane } from "./lane.ts";
import type { LaneLoan } from "./lane-loan.ts";

export interface Suspect {
  readonly revision: number;
  readonly ends: Ends;
  /** Of a replay's own delivery; null: it is the lane's. */
  readonly loan: LaneLoan | null;
}

export class Suspects {
  readonly #suspects = new Map<Lane, Suspect>();
  /** The flush that records what the last one came to. */
  #untilFlush = 0;
  #running: Delivery | null = null;

  /** Suspects wait to run alone: no other handler of the process may run meanwhile. */
  any(): boolean {
    return this.#suspects.size > 0;
  }

  of(lane: Lane): Suspect | undefined {
    return this.#suspects.get(lane);
  }

  all(): Iterable<readonly [Lane, Suspect]> {
    return this.#suspects;
  }

  add(lane: Lane, suspect: Suspect): void {
    this.#suspects.set(lane, suspect);
  }

  remove(lane: Lane): void {
    this.#suspects.delete(lane);
  }

  /** Before the next one runs, what the last one came to is on record. @param stored the last flush that is. */
  isNextDue(stored: number): boolean {
    return this.#untilFlush <= stored;
  }

  started(delivery: Delivery): void {
    this.#running = delivery;
  }

  /** @param flush that records its outcome. @returns whether its lane has no suspect any more. */
  concluded({ lane, event, loan }: Delivery, flush: number): boolean {
    const suspect = this.#suspects.get(lane);
    if (suspect === undefined || suspect.loan !== loan) return false;
    if (loan === null) this.#untilFlush = flush;
    if (suspect.revision !== event.revision) return false;
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
    return startedMs + alonePatienceMs(this.#suspects.get(lane)?.ends ?? noEnds);
  }

  /** The others have waited long enough. From now on the suspects run like anything else, each recorded first. @returns the one that runs. */
  endPatience(): Delivery | null {
    const running = this.#running;
    this.#running = null;
    for (const [lane, { revision, loan }] of this.#suspects)
      if (loan !== null) loan.ends = null;
      else lane.suspectThrough = Math.max(lane.suspectThrough, revision);
    this.#suspects.clear();
    return running;
  }
}
