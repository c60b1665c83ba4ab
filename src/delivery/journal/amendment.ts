import { RepriseError } from "../../errors.ts";
import type { Json, StoredEvent } from "../../event/event.ts";
import type { EventLog } from "../../log/event-log.ts";
import { readEvent } from "../../log/read-event.ts";
import type { JournalData, JournalEvent } from "../../records/journal.ts";
import type { AmendmentPointer } from "../../records/snapshot.ts";

/**
 * The data of an amendment: it may be large, so the journal's fold keeps its place only.
 *
 * @param revision of its `delivery.amended` in the journal.
 * @throws JOURNAL_DAMAGED when there is none.
 */
async function readAmendment(log: EventLog, journal: string, revision: number): Promise<Json> {
  const event = await readEvent(log, journal, revision);
  if (event?.type === ("delivery.amended" satisfies JournalEvent["type"])) return (event.data as unknown as JournalData["delivery.amended"]).data;
  throw new RepriseError("JOURNAL_DAMAGED", `${journal} has no amendment at revision ${revision}, where its fold has one.`);
}

/** An event with the data that a dead letter's deliveries carry: an amendment's, where it has one. */
export async function asAmended(log: EventLog, journal: string, stored: StoredEvent, amended: AmendmentPointer | null): Promise<StoredEvent> {
  return amended === null ? stored : { ...stored, data: await readAmendment(log, amended.journal ?? journal, amended.revision) };
}
