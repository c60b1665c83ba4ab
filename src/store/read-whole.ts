/** Reads a stream as it was before some of it left the log: what is archived, and what the log has. */
import type { StoredEvent } from "../event/event.ts";
import type { EventLog } from "../log/event-log.ts";
import type { Archives } from "../retention/archive/archives.ts";

/** What of an entity has left the log. */
export interface LeftLog {
  /** Its events before this revision. */
  readonly before: number;
  /** The names of the segments that have some of them. */
  readonly segments: readonly string[];
}

interface WholeNeeds {
  readonly log: Pick<EventLog, "readStream">;
  readonly archives: Archives;
}

/** @param revision of the stream's last event. @returns null when nothing of it is archived. */
export async function leftLog({ log, archives }: WholeNeeds, stream: string, revision: number): Promise<LeftLog | null> {
  if (revision < 0 || (await archives.all()).length === 0) return null;
  let before = revision + 1;
  for await (const [first] of log.readStream(stream, { limit: 1 })) before = first?.revision ?? before;
  if (before === 0) return null;
  const segments = await archives.segmentsOf(stream);
  return segments.length === 0 ? null : { before, segments };
}

interface ReadWholeOptions {
  readonly direction: "forward" | "backward";
  readonly limit: number;
  readonly from?: number;
}

/** @param before the first revision that the log has. */
export async function* readWhole(
  { log, archives }: WholeNeeds,
  stream: string,
  before: number,
  { direction, limit, from }: ReadWholeOptions,
): AsyncGenerator<readonly StoredEvent[], void> {
  let left = limit;
  async function* archived(): AsyncGenerator<readonly StoredEvent[], void> {
    const start = direction === "forward" ? (from ?? 0) : Math.min(from ?? before - 1, before - 1);
    for await (const { event } of archives.stream(stream, { direction, from: start })) {
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
