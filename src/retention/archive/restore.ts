/** Brings archived events back into a log, under their own ids and revisions. */
import { RepriseError } from "../../errors.ts";
import type { Position, StoredEvent } from "../../event/event.ts";
import type { NewId } from "../../event/ids.ts";
import { handlerPrefix, isEntityStream } from "../../event/names.ts";
import type { EventLog } from "../../log/event-log.ts";
import type { Act } from "../../records/act.ts";
import { type RestoredHow, type Restoring, readRestored, restoredRecord } from "../../records/restored.ts";
import type { Archive, ArchivedEvent } from "./archive.ts";
import { makeRestoreAppends } from "./restore-appends.ts";

/** What is brought back: the stream of one entity, one segment, or all. */
export type Restorable = { readonly stream: string } | { readonly segment: string } | "all";

export interface RestoreNeeds {
  readonly log: EventLog;
  /** Of this log, or, for a log that is empty, of another one. */
  readonly archive: Archive;
  readonly newId: NewId;
  /** Who brings it back, and why. */
  readonly act: Act;
  readonly signal?: AbortSignal;
}

export interface Restored {
  /**
   * `in_place`: in their own streams, as they were, because no handler has ever worked on this log. `beside`: in streams of Reprise's own, because a log gives
   * out each revision once and handlers would take the events for new ones; reads show them in their places.
   */
  readonly how: RestoredHow;
  readonly streams: number;
  readonly events: number;
  /** The log had them already. */
  readonly present: number;
  /** Of the record. */
  readonly position: Position;
}

/**
 * @throws ARCHIVE_FOREIGN for the archive of another log, unless this log is empty or was filled from that archive; NOT_FOUND when nothing of it is archived;
 *   REVISION_CONFLICT for an entity whose first events are in no segment.
 */
export async function restore(needs: RestoreNeeds, what: Restorable): Promise<Restored> {
  const { log, archive, newId, act, signal } = needs;
  const before = await readRestored(log);
  const how: RestoredHow = (await isUntouched(log, before)) ? "in_place" : "beside";
  if (archive.logId !== log.logId && before?.source !== archive.logId && !(how === "in_place" && before === null))
    throw new RepriseError("ARCHIVE_FOREIGN", `The archive is that of the log ${archive.logId}, and this is the log ${log.logId}, which is not empty.`);
  const appends = makeRestoreAppends(log, how);
  const about = { source: archive.logId, how, what: what === "all" ? "all" : "stream" in what ? what.stream : what.segment, act };
  let position = 0n;
  let begun = false;
  let any = false;
  for await (const event of eventsOf(archive, what)) {
    if (signal?.aborted) break;
    any = true;
    // Before the first event: whoever looks at the log knows then where the events come from.
    if (!begun) await record(log, restoredRecord(newId, "archive.restoring", about));
    begun = true;
    await appends.add(event);
  }
  if (!any && !signal?.aborted) throw new RepriseError("NOT_FOUND", "The archive has nothing of that.");
  const counts = await appends.end();
  // One that was cut off is run again, and says so then.
  if (!signal?.aborted) position = await record(log, restoredRecord(newId, "archive.restored", { ...about, through: String(await log.head()) }));
  return { how, ...counts, position };
}

async function record(log: EventLog, { stream, events, expected }: ReturnType<typeof restoredRecord>): Promise<Position> {
  return (await log.append(stream, events, expected))[0]!.position;
}

async function* eventsOf(archive: Archive, what: Restorable): AsyncGenerator<StoredEvent, void> {
  if (what !== "all" && "stream" in what) {
    for await (const { event } of archive.stream(what.stream) as AsyncIterable<ArchivedEvent>) yield event;
    return;
  }
  const names = what === "all" ? (await archive.segments()).map(({ name }) => name) : [what.segment];
  for (const name of names) for await (const batch of archive.read(name)) yield* batch;
}

/** No handler has ever worked on the log, and it holds no entity's event but those that were restored: so nothing can be delivered twice. */
async function isUntouched(log: EventLog, before: Restoring | null): Promise<boolean> {
  if (before?.how === "beside") return false;
  for await (const batch of log.readAll({ filter: { streamPrefixes: [handlerPrefix] }, limit: 1 })) if (batch.length > 0) return false;
  if (before !== null) return true;
  for await (const batch of log.readAll()) if (batch.some(({ stream }) => isEntityStream(stream))) return false;
  return true;
}
