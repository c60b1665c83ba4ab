import type { StoredEvent } from "../event/event.ts";
import type { EventFilter } from "./event-log.ts";

export function matches(event: StoredEvent, filter: EventFilter | undefined): boolean {
  if (filter === undefined) return true;
  if ("types" in filter) return filter.types.includes(event.type);
  return filter.streamPrefixes.some((prefix) => event.stream.startsWith(prefix));
}
