import type { StoredEvent } from "../../event/event.ts";
import type { ReadStreamOptions } from "../event-log.ts";
import { withData } from "./envelope.ts";
import { readStreamPage } from "./page.ts";
import { makePageSize } from "./page-size.ts";
import { refuseWhenClosing, type Server } from "./server.ts";
import type { Truncations } from "./truncations.ts";
import type { Recorded } from "./wire/recorded.ts";

export async function* readStream(
  server: Server,
  truncations: Truncations,
  stream: string,
  { direction = "forward", from, limit = Number.MAX_SAFE_INTEGER, signal }: ReadStreamOptions,
): AsyncGenerator<readonly StoredEvent[], void> {
  const { envelope, limits } = server;
  signal?.throwIfAborted();
  const forward = direction === "forward";
  let left = limit;
  let next: number | null = forward ? Math.max(from ?? 0, 0) : (from ?? null);
  const head = forward || from !== undefined ? await streamRevision(server, stream) : -1;
  if (!forward && next !== null) next = Math.min(next, head);
  const pageSize = makePageSize(limits);
  while (left > 0 && (forward ? next! <= head : next === null || next >= 0)) {
    const batch: StoredEvent[] = [];
    let bytes = 0;
    let reached: number | null = null;
    const enough = (event: Recorded) => {
      const revision = event.revision;
      if (reached !== null && (forward ? revision <= reached : revision >= reached)) return false; // the page was begun again
      reached = revision;
      if (forward && revision > head) return true;
      const decoded = envelope.decode(event);
      if (decoded === null || truncations.isHidden(decoded.event)) return false;
      batch.push(withData(decoded.event, event));
      bytes += decoded.bytes;
      return batch.length >= left || bytes >= limits.batchBytes;
    };
    const count = Math.min(left, pageSize.next, forward ? head - next! + 1 : Number.MAX_SAFE_INTEGER);
    const { cut } = await readStreamPage(server, stream, direction, next, count, enough, signal);
    pageSize.learn(batch.length, bytes);
    if (batch.length > 0) yield batch;
    refuseWhenClosing(server);
    signal?.throwIfAborted();
    left -= batch.length;
    if (!cut || reached === null) return;
    next = reached + (forward ? 1 : -1);
  }
}

/** Revision of the last event that the server shows, −1 for none. */
export async function streamRevision(server: Server, stream: string): Promise<number> {
  const [last] = (await readStreamPage(server, stream, "backward", null, 1)).events;
  return last === undefined ? -1 : last.revision;
}
