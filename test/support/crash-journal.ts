/** What a service that was killed had on record. */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { emptyState, fold, type PartitionState } from "../../src/delivery/journal.ts";
import type { JournalEvent } from "../../src/delivery/journal-events.ts";
import type { StoredEvent } from "../../src/event/event.ts";
import { isEntityStream, journalStream } from "../../src/event/names.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { openSqliteLog } from "../../src/log/sqlite/open-sqlite-log.ts";

/** Handler → its folded journal. */
export type Recorded = ReadonlyMap<string, PartitionState>;

/**
 * Takes a copy of the log now, write-ahead log included; the answer reads it. The log itself stays as the crash left it: it is the next
 * service that has to cope.
 */
export function takeRecord(data: string, handlers: readonly string[]): () => Promise<Recorded> {
  const copy = mkdtempSync(join(tmpdir(), "reprise-record-"));
  const there = existsSync(join(data, "log.db"));
  for (const file of ["log.db", "log.db-wal"]) if (existsSync(join(data, file))) copyFileSync(join(data, file), join(copy, file));
  return async () => {
    try {
      const recorded = new Map(handlers.map((handler) => [handler, emptyState()]));
      if (!there) return recorded;
      await withLog(copy, async (log) => {
        for (const [handler, state] of recorded)
          for await (const batch of log.readStream(journalStream(handler)))
            for (const { type, data } of batch) if (type !== "snapshot") fold(state, { type, data } as unknown as JournalEvent);
      });
      return recorded;
    } finally {
      rmSync(copy, { recursive: true });
    }
  };
}

/** All events of entities, by position, of a log that nobody owns. */
export async function readEntityEvents(data: string): Promise<readonly StoredEvent[]> {
  const events: StoredEvent[] = [];
  await withLog(data, async (log) => {
    for await (const batch of log.readAll()) events.push(...batch.filter(({ stream }) => isEntityStream(stream)));
  });
  return events;
}

async function withLog(folder: string, use: (log: EventLog) => Promise<void>): Promise<void> {
  const log = await openSqliteLog(folder);
  try {
    await use(log);
  } finally {
    await log.close();
  }
}

/** What the journal says about an event that the handler wants (DELIVERY §3). */
export function recordOf(
  state: PartitionState,
  { stream, revision, position }: Pick<StoredEvent, "stream" | "revision" | "position">,
): "done" | "letter" | "open" {
  const lane = state.lanes.get(stream);
  if (lane?.letters.has(revision)) return "letter";
  return (lane !== undefined && revision < lane.next) || (!lane?.detached && position <= state.checkpoint) ? "done" : "open";
}
