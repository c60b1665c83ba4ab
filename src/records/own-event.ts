import type { Json, NewEvent } from "../event/event.ts";
import type { NewId } from "../event/ids.ts";

/** One event of Reprise's own, for a stream that Reprise itself writes. */
export function ownEvent(newId: NewId, type: string, data: object): NewEvent {
  return { id: newId(), type, schemaVersion: 1, source: "reprise", occurredAt: null, data: data as Json, metadata: { priority: "normal" } };
}
