import type { Position, StoredEvent } from "../../event/event.ts";
import type { ReadAllOptions } from "../event-log.ts";
import { matches } from "../matches.ts";
import { withData } from "./envelope.ts";
import { type LogHead, scannedEvents } from "./log-head.ts";
import type { LogStart } from "./log-start.ts";
import { readAllPage } from "./page.ts";
import { makePageSize } from "./page-size.ts";
import { refuseWhenClosing, type Server } from "./server.ts";
import type { Truncations } from "./truncations.ts";
import type { Recorded } from "./wire/recorded.ts";

export async function* readAll(
  server: Server,
  truncations: Truncations,
  { head, serverHead, start }: LogHead & { readonly start: LogStart },
  { after, direction = "forward", filter, limit = Number.MAX_SAFE_INTEGER, signal }: ReadAllOptions,
): AsyncGenerator<readonly StoredEvent[], void> {
  const { envelope, limits } = server;
  signal?.throwIfAborted();
  const forward = direction === "forward";
  // The read ends where the log ended when it began, so that a consumer that appends for each event comes to an end.
  const last = await serverHead();
  /** Forward: the last position looked at; backward: the first one. Beyond this log's end other logs of the server have their events. */
  let reached: Position | null = forward ? later(after ?? 0n, start.after) : after !== undefined && after <= (await head()) ? after : null;
  let left = limit;
  const pageSize = makePageSize(limits);
  while (left > 0 && (forward ? reached! < last : reached === null || reached > start.after)) {
    const count = filter === undefined ? Math.min(left + 1, pageSize.next) : Math.max(2, Math.ceil((pageSize.next * scannedEvents) / limits.pageEvents));
    const batch: StoredEvent[] = [];
    let bytes = 0;
    let progress = 0;
    let sentBytes = 0;
    const enough = (event: Recorded) => {
      const position = event.position;
      if (forward ? position <= reached! : reached !== null && position >= reached) return false;
      if (forward ? position > last : position <= start.after) return true;
      reached = position;
      progress++;
      const decoded = envelope.decode(event);
      sentBytes += decoded?.bytes ?? 0;
      if (decoded === null || truncations.isHidden(decoded.event) || !matches(decoded.event, filter)) return false;
      batch.push(withData(decoded.event, event));
      bytes += decoded.bytes;
      return batch.length >= Math.min(left, limits.pageEvents) || bytes >= limits.batchBytes;
    };
    const { cut } = await readAllPage(server, direction, reached, count, enough, signal);
    pageSize.learn(progress, sentBytes);
    if (batch.length > 0) yield batch;
    refuseWhenClosing(server);
    signal?.throwIfAborted();
    left -= batch.length;
    if (!cut || progress === 0) return;
  }
}

const later = (a: Position, b: Position): Position => (a > b ? a : b);
