import type { Clock } from "../../event/clock.ts";
import { pause } from "../../event/waits.ts";

/** Batches that follow one another so quickly say that there is load. */
const quickMs = 2;
const quickBatches = 8;
/** How long more events are waited for then. */
const gatherMs = 4;
/** A batch of fewer was not worth the wait. */
const worthEvents = 4;

/**
 * Decides when to wait a moment for more events before they go to the other thread, because a message takes as long as ten events. Without load, and for one
 * client that waits for each of its events in the views, nothing waits.
 */
export class BatchRests {
  readonly #clock: Clock;
  #quick = 0;
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Before a batch is taken. */
  async rest(): Promise<void> {
    if (this.#quick >= quickBatches) await pause(gatherMs, this.#clock);
  }

  /** @param events of the batch that is sent. @param live it goes to the end of the log. */
  sent(events: number, live: boolean): void {
    const nowMs = this.#clock.monotonicMs();
    if (!live) this.#quick = 0;
    else if (this.#quick < quickBatches) this.#quick = nowMs - this.#lastMs < quickMs ? this.#quick + 1 : 0;
    else if (events < worthEvents) this.#quick = 0;
    this.#lastMs = nowMs;
  }
}
