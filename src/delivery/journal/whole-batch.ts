import { isRepriseError } from "../../errors.ts";
import { maxAppendEvents } from "../../log/event-log.ts";
import type { JournalEvent } from "../../records/journal.ts";

/** Encodes all events as one append; null when they are more than one append takes. */
export function wholeBatch<Batch>(journal: { prepare(events: readonly JournalEvent[]): Batch }, events: readonly JournalEvent[]): Batch | null {
  try {
    return events.length > maxAppendEvents ? null : journal.prepare(events);
  } catch (error) {
    if (isRepriseError(error, "APPEND_TOO_LARGE")) return null;
    throw error;
  }
}
