import type { EventStoreDbLogLimits } from "./limits.ts";

const firstPageEvents = 64;

/**
 * Decides how many events to ask for: a few at first, then twice as many as are likely to fill a batch. A larger number would have the server send large
 * events that are thrown away. Twice as many are asked for, because a page that ends by itself costs less than one that is left early.
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
