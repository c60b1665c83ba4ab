import { RepriseError } from "../../errors.ts";
import type { StoredEvent } from "../../event/event.ts";
import { type EncodedAppend, sameContent } from "../append-rules.ts";
import type { AppendedEvent } from "../event-log.ts";
import { appended } from "./appended.ts";
import type { Reader } from "./reader.ts";

/** Reads the places and times of events that an attempt has stored, when its answer does not name them, or names others. */
export async function readBack(reader: Reader, { stream, events }: EncodedAppend, first: number): Promise<readonly AppendedEvent[]> {
  const byId = new Map<string, StoredEvent>(); // no larger than the append, but for what others stored there
  const revisions = events.map((_, i) => first + i);
  for await (const event of reader.readPlaces(stream, revisions)) byId.set(event.id, event);
  return events.map((event) => {
    const found = byId.get(event.event.id);
    // Somebody else may have stored other events under these ids, because the server compares no content.
    if (found === undefined || !sameContent({ ...found, data: JSON.stringify(found.data) }, event))
      throw new RepriseError("LOG_UNAVAILABLE", `It is not clear where the append to ${stream} was stored.`, { retryAfterMs: 1000 });
    return appended(found, false);
  });
}
