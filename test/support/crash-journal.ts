/** What a service that was killed had on record. */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fold } from "../../src/delivery/journal/fold.ts";
import { emptyState, type PartitionState } from "../../src/delivery/journal/state.ts";
import type { StoredEvent } from "../../src/event/event.ts";
import { isEntityStream, journalStream } from "../../src/event/names.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { openLog } from "../../src/log/open-log.ts";
import type { JournalEvent } from "../../src/records/journal.ts";

import type { Site } from "./crash-service.ts";

/** What a client that was killed had sent is stored by then. */
const serverSettlesMs = 50;

/** Handler → its folded journal. */
export type Recorded = ReadonlyMap<string, PartitionState>;

/**
 * What is on record now. Of an embedded log it takes a copy, write-ahead log included, which the answer reads: the log itself stays as the crash
 * left it, and it is the next service that has to cope. A server is read at once.
 */
export async function takeRecord({ data, log, namespace }: Site, handlers: readonly string[]): Promise<() => Promise<Recorded>> {
  if (!log.startsWith("sqlite:")) {
    await wait(serverSettlesMs);
    const recorded = await readRecord({ log, namespace }, handlers);
    return async () => recorded;
  }
  const copy = mkdtempSync(join(tmpdir(), "reprise-record-"));
  const there = existsSync(join(data, "log.db"));
  for (const file of ["log.db", "log.db-wal"]) if (existsSync(join(data, file))) copyFileSync(join(data, file), join(copy, file));
  return async () => {
    try {
      return there ? await readRecord({ log: `sqlite:${copy}` }, handlers) : empty(handlers);
    } finally {
      rmSync(copy, { recursive: true });
    }
  };
}

const empty = (handlers: readonly string[]) => new Map(handlers.map((handler) => [handler, emptyState()]));

async function readRecord(place: LogPlace, handlers: readonly string[]): Promise<Recorded> {
  const recorded = empty(handlers);
  await withLog(place, async (log) => {
    for (const [handler, state] of recorded)
      for await (const batch of log.readStream(journalStream(handler)))
        for (const { type, data, revision } of batch) if (type !== "snapshot") fold(state, { type, data } as unknown as JournalEvent, revision);
  });
  return recorded;
}

/** A site's log. */
type LogPlace = Pick<Site, "log"> & Partial<Pick<Site, "namespace">>;

/** All events of entities, by position, of a log that nobody owns. */
export async function readEntityEvents(place: LogPlace): Promise<readonly StoredEvent[]> {
  const events: StoredEvent[] = [];
  await withLog(place, async (log) => {
    for await (const batch of log.readAll()) events.push(...batch.filter(({ stream }) => isEntityStream(stream)));
  });
  return events;
}

async function withLog({ log: url, namespace = "" }: LogPlace, use: (log: EventLog) => Promise<void>): Promise<void> {
  const log = await openLog(url, { namespace });
  try {
    await use(log);
  } finally {
    await log.close();
  }
}

/** What the journal says about an event that the handler wants (docs/rules.md, Journal). */
export function recordOf(
  state: PartitionState,
  { stream, revision, position }: Pick<StoredEvent, "stream" | "revision" | "position">,
): "done" | "letter" | "open" {
  const lane = state.lanes.get(stream);
  if (lane?.letters.has(revision)) return "letter";
  return (lane !== undefined && revision < lane.next) || (!lane?.detached && position <= state.checkpoint) ? "done" : "open";
}
