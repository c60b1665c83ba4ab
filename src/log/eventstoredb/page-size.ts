import type { EventStoreDbLogLimits } from "./limits.ts";

const firstPageEvents = 64;

/**
 * How many events to ask for: a few at first, then as many as are likely to fill a batch, so that large ones are not sent to be thrown away.
 * Twice as many as that, since a page that ends by itself costs less than one that is left.
 */
export function makePageSize({ pageEvents, batchBytes }: EventStoreDbLogLimits) {
  let next = Math.min(firstPageEvents, pageEvents);
  return {
    get next() {
      return next;
    },
    learn(events: number, bytes: number) {
      const fitting = events === 0 ? pageEvents : Math.ceil((2 * batchBytes) / (bytes / events + 1));
      next = Math.max(2, Math.min(fitting, pageEvents));
    },
  };
}
