/** Reads a stream as it was before some of it left the log: what is archived, and what the log has. */
import type { StoredEvent } from "../event/event.ts";
import { restoredStream } from "../event/names.ts";
import type { EventLog } from "../log/event-log.ts";
import { fromRestoredEvent } from "../records/restored.ts";
import type { ArchivedEvent } from "../retention/archive/archive.ts";
import type { Archives } from "../retention/archive/archives.ts";

/** What of an entity has left the log. */
export interface LeftLog {
  /** Its events before this revision. */
  readonly before: number;
  /** The names of the segments that have some of them. */
  readonly segments: readonly string[];
  /** They were brought back since, beside their stream. */
  readonly restored: boolean;
}

interface WholeNeeds {
  readonly log: Pick<EventLog, "readStream" | "streamRevision">;
  readonly archives: Archives;
}

/** @param revision of the stream's last event. @returns null when nothing of it is archived. */
export async function leftLog({ log, archives }: WholeNeeds, stream: string, revision: number): Promise<LeftLog | null> {
  if (revision < 0 || (await archives.all()).length === 0) return null;
  let before = revision + 1;
  for await (const [first] of log.readStream(stream, { limit: 1 })) before = first?.revision ?? before;
  if (before === 0) return null;
  if ((await log.streamRevision(restoredStream(stream))) >= before - 1) return { before, segments: [], restored: true };
  const segments = await archives.segmentsOf(stream);
  return segments.length === 0 ? null : { before, segments, restored: false };
}

interface ReadWholeOptions {
  readonly direction: "forward" | "backward";
  readonly limit: number;
  readonly from?: number;
}

/** @param left what of the stream has left the log. */
export async function* readWhole(
  { log, archives }: WholeNeeds,
  stream: string,
  { before, restored }: LeftLog,
  { direction, limit, from }: ReadWholeOptions,
): AsyncGenerator<readonly StoredEvent[], void> {
  let left = limit;
  async function* archived(): AsyncGenerator<readonly StoredEvent[], void> {
    const start = direction === "forward" ? (from ?? 0) : Math.min(from ?? before - 1, before - 1);
    for await (const event of restored ? broughtBack(log, stream, direction, start) : eventsOf(archives.stream(stream, { direction, from: start }))) {
      if (event.revision >= before || left-- <= 0) return;
      yield [event];
    }
  }
  async function* kept(): AsyncGenerator<readonly StoredEvent[], void> {
    if (direction === "backward" && from !== undefined && from < before) return;
    const start = direction === "forward" ? { from: Math.max(from ?? 0, before) } : from === undefined ? {} : { from };
    for await (const batch of left > 0 ? log.readStream(stream, { direction, limit: left, ...start }) : []) {
      left -= batch.length;
      yield batch;
    }
  }
  yield* direction === "forward" ? archived() : kept();
  yield* direction === "forward" ? kept() : archived();
}

async function* eventsOf(found: AsyncIterable<ArchivedEvent>): AsyncGenerator<StoredEvent, void> {
  for await (const { event } of found) yield event;
}

/** The stream beside has each event at its own revision. */
async function* broughtBack(log: WholeNeeds["log"], stream: string, direction: "forward" | "backward", from: number): AsyncGenerator<StoredEvent, void> {
  for await (const batch of log.readStream(restoredStream(stream), { direction, from })) for (const event of batch) yield fromRestoredEvent(event);
}
