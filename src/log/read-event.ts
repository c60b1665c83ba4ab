import type { StoredEvent } from "../event/event.ts";
import type { EventLog } from "./event-log.ts";

/** The event at one revision of a stream; null when the log does not have it (any more). */
export async function readEvent(log: EventLog, stream: string, revision: number, signal?: AbortSignal): Promise<StoredEvent | null> {
  for await (const [event] of log.readStream(stream, { from: revision, limit: 1, ...(signal === undefined ? {} : { signal }) }))
    if (event?.revision === revision) return event;
  return null;
}
