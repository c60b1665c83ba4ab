import type { StoredEvent } from "../../event/event.ts";
import type { AppendedEvent } from "../event-log.ts";

export function appended({ id, revision, position, recordedAt }: StoredEvent, duplicate: boolean): AppendedEvent {
  return { id, revision, position, recordedAt, duplicate };
}
