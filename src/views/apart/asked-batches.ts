import type { Clock } from "../../event/clock.ts";
import type { Position } from "../../event/event.ts";
import type { EventLog, SubscriptionBatch } from "../../log/event-log.ts";
import { isOurs } from "../projector.ts";
import { BatchRests } from "./batch-rests.ts";

/** Reads for the second thread what it cannot read by itself. A subscription goes on as long as each question begins where the last answer ended. */
export class AskedBatches {
  readonly #log: Pick<EventLog, "subscribe">;
  readonly #rests: BatchRests;
  #ends = 0;
  #running: { readonly controller: AbortController; readonly batches: AsyncIterator<SubscriptionBatch, void>; reached: Position } | null = null;

  constructor(log: Pick<EventLog, "subscribe">, clock: Clock) {
    this.#log = log;
    this.#rests = new BatchRests(clock);
  }

  /** Resolves with null when it was ended meanwhile. @throws what the log throws. */
  async next(after: Position): Promise<SubscriptionBatch | null> {
    const ends = this.#ends;
    await this.#rests.rest();
    if (this.#ends !== ends) return null;
    if (this.#running?.reached !== after) this.#begin(after);
    const running = this.#running!;
    try {
      const { done, value } = await running.batches.next();
      if (done === true) return null;
      this.#rests.sent(value.events.length, value.live);
      if (value.position > running.reached) running.reached = value.position;
      return value;
    } catch (error) {
      this.end();
      throw error;
    }
  }

  end(): void {
    this.#ends++;
    this.#running?.controller.abort();
    this.#running = null;
  }

  #begin(after: Position): void {
    this.end();
    const controller = new AbortController();
    const batches = this.#log.subscribe({ after, dataOf: isOurs, signal: controller.signal })[Symbol.asyncIterator]();
    this.#running = { controller, batches, reached: after };
  }
}
