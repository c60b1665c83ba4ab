import type { NewEvent } from "../../event/event.ts";
import type { NewId } from "../../event/ids.ts";
import type { EventLog } from "../../log/event-log.ts";
import type { JournalEvent } from "../../records/journal.ts";
import { ownEvent } from "../../records/own-event.ts";
import { slicesOf, toSnapshot } from "../journal/snapshot.ts";
import type { PartitionState } from "../journal/state.ts";

/**
 * Begins the journal of a new partition with its state. A journal that was in force before, when the handler had this number of partitions, or that an earlier
 * try has begun, goes on behind what it holds. The last part has the progress with it, so that the views know how far the partition is.
 *
 * @throws REVISION_CONFLICT when another writer is there.
 */
export async function beginJournal(stream: string, state: PartitionState, { log, newId }: { readonly log: EventLog; readonly newId: NewId }): Promise<void> {
  let revision = await log.streamRevision(stream);
  const parts: JournalEvent[] = [...toSnapshot(state, newId(), [...slicesOf(state)])];
  const last = parts.pop()!;
  const progress: JournalEvent = { type: "progress", data: { checkpoint: state.checkpoint.toString(), ahead: [] } };
  for (const events of [...parts.map((part) => [part]), [last, progress]]) {
    const encoded: NewEvent[] = events.map(({ type, data }) => ownEvent(newId, type, data));
    revision = (await log.append(stream, encoded, revision === -1 ? "none" : revision)).at(-1)!.revision;
  }
}
