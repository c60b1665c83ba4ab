import { RepriseError } from "../../errors.ts";
import type { Json } from "../../event/event.ts";
import type { EventLog } from "../../log/event-log.ts";
import { readEvent } from "../../log/read-event.ts";
import type { JournalData, JournalEvent } from "../../records/journal.ts";

/**
 * The data of an amendment: it may be large, so the journal's fold keeps its place only.
 *
 * @param revision of its `delivery.amended` in the journal.
 * @throws JOURNAL_DAMAGED when there is none.
 */
export async function readAmendment(log: EventLog, journal: string, revision: number): Promise<Json> {
  const event = await readEvent(log, journal, revision);
  if (event?.type === ("delivery.amended" satisfies JournalEvent["type"])) return (event.data as unknown as JournalData["delivery.amended"]).data;
  throw new RepriseError("JOURNAL_DAMAGED", `${journal} has no amendment at revision ${revision}, where its fold has one.`);
}
