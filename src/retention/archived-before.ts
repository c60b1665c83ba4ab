/** How far streams have gone to an archive, as the log has it on record: for the few that somebody met a hole in. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { retentionStream } from "../event/names.ts";
import type { EventLog } from "../log/event-log.ts";
import type { RetentionStreamData } from "../records/retention.ts";

/** A stream's events below it are archived; 0: none. Holes come many at once, if at all, so one reading of the record answers all that ask in one turn. */
export function makeArchivedBefore(log: Pick<EventLog, "readStream">): (stream: string) => Promise<number> {
  let next: { readonly streams: Set<string>; readonly answer: Promise<ReadonlyMap<string, number>> } | null = null;
  function begin() {
    const streams = new Set<string>();
    const answer = nextTurn().then(() => {
      next = null;
      return lookUp(log, streams);
    });
    return { streams, answer };
  }
  return async (stream) => {
    const { streams, answer } = (next ??= begin());
    streams.add(stream);
    return (await answer).get(stream) ?? 0;
  };
}

/** From the newest record on: of each stream the first one that is met says the most. */
async function lookUp(log: Pick<EventLog, "readStream">, streams: ReadonlySet<string>): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>();
  for await (const batch of log.readStream(retentionStream, { direction: "backward" }))
    for (const { type, source, data } of batch) {
      if (type !== "retention.archived" || source !== "reprise") continue;
      for (const [stream, , before] of (data as unknown as RetentionStreamData["retention.archived"]).streams)
        if (streams.has(stream)) found.set(stream, Math.max(found.get(stream) ?? 0, before));
      if (found.size === streams.size) return found;
    }
  return found;
}
