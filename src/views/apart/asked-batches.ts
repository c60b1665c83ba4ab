import type { Position } from "../../event/event.ts";
import type { EventLog, SubscriptionBatch } from "../../log/event-log.ts";
import { isOurs } from "../projector.ts";

/** Reads for the second thread what it cannot read by itself. A subscription goes on as long as each question begins where the last answer ended. */
export class AskedBatches {
  readonly #log: Pick<EventLog, "subscribe">;
  #running: { readonly controller: AbortController; readonly batches: AsyncIterator<SubscriptionBatch, void>; reached: Position } | null = null;

  constructor(log: Pick<EventLog, "subscribe">) {
    this.#log = log;
  }

  /** Resolves with null when it was ended meanwhile. @throws what the log throws. */
  async next(after: Position): Promise<SubscriptionBatch | null> {
    if (this.#running?.reached !== after) this.#begin(after);
    const running = this.#running!;
    try {
      const { done, value } = await running.batches.next();
      if (done === true) return null;
      if (value.position > running.reached) running.reached = value.position;
      return value;
    } catch (error) {
      this.end();
      throw error;
    }
  }

  end(): void {
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
