import { partDeliveryId } from "../../event/ids.ts";
import type { JournalEvent } from "../../records/journal.ts";
import type { DeliveryLogger } from "../delivery-logger.ts";

/** How many dead letters of one flush the operator's log names. */
const shownInLog = 10;

/**
 * One line for each flush, however many dead letters it has: an outage must not flood the log. Without data, and without messages, because they may hold
 * data.
 */
export function tellOfDeadLetters(events: readonly JournalEvent[], handler: string, logger: DeliveryLogger): void {
  const letters = events.flatMap((event) => (event.type === "delivery.dead_lettered" ? [event.data] : []));
  if (letters.length === 0) return;
  logger.warn(
    {
      handler,
      dead_letters: letters.length,
      causes: [...new Set(letters.map(({ cause }) => cause))],
      error_types: [...new Set(letters.map(({ error }) => error.type))].slice(0, shownInLog),
      event_ids: letters.slice(0, shownInLog).map(({ eventId }) => eventId),
      delivery_ids: letters.slice(0, shownInLog).map(({ lane, eventId, part }) => partDeliveryId(handler, lane, eventId, part)),
    },
    "dead-lettered",
  );
}
