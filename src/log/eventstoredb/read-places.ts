import type { StoredEvent } from "../../event/event.ts";
import { withData } from "./envelope.ts";
import { readStreamPage } from "./page.ts";
import { makePageSize } from "./page-size.ts";
import type { Server } from "./server.ts";
import type { Truncations } from "./truncations.ts";
import type { Recorded } from "./wire/recorded.ts";

/** Revisions that may lie between two wanted ones, read together. */
const maxGap = 32;

/** The existing events at these revisions, in order; at most the bytes of a batch at once. */
export async function* readPlaces(server: Server, truncations: Truncations, stream: string, revisions: readonly number[]): AsyncGenerator<StoredEvent, void> {
  const { envelope, limits } = server;
  const sorted = [...new Set(revisions)].toSorted((a, b) => a - b);
  const pageSize = makePageSize(limits);
  for (let first = 0; first < sorted.length; ) {
    let last = first;
    while (last + 1 < sorted.length && sorted[last + 1]! - sorted[last]! <= maxGap) last++;
    const wanted = new Set(sorted.slice(first, last + 1));
    for (let reached = sorted[first]! - 1; reached < sorted[last]!; ) {
      const events: StoredEvent[] = [];
      const before = reached;
      let bytes = 0;
      const enough = (recorded: Recorded) => {
        const revision = recorded.revision;
        if (revision <= reached) return false; // the page was begun again
        reached = revision;
        const decoded = envelope.decode(recorded);
        bytes += decoded?.bytes ?? 0;
        if (decoded !== null && wanted.has(revision) && !truncations.isHidden(decoded.event)) events.push(withData(decoded.event, recorded));
        return bytes >= limits.batchBytes;
      };
      const count = Math.min(sorted[last]! - before, pageSize.next);
      const { cut } = await readStreamPage(server, stream, "forward", before + 1, count, enough);
      pageSize.learn(reached - before, bytes);
      yield* events;
      if (!cut || reached === before) break;
    }
    first = last + 1;
  }
}
