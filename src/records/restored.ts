import type { Json, NewEvent, Position, StoredEvent } from "../event/event.ts";
import type { NewId } from "../event/ids.ts";
import { parseStreamName, restoredMarks } from "../event/names.ts";
import type { EventLog } from "../log/event-log.ts";
import type { Act } from "./act.ts";
import { ownEvent } from "./own-event.ts";

/** Where restored events go: `in_place`, into their own streams, or `beside`, into streams of Reprise's own. */
export type RestoredHow = "in_place" | "beside";

/** The events of `reprise.restored`, and of the streams `reprise.restored-<stream>`. */
export interface RestoredStreamData {
  "event.restored": RestoredEventData;
  /** Before the first event that is brought back. */
  "archive.restoring": { readonly source: string; readonly how: RestoredHow; readonly what: string; readonly act: Act };
  /** After the last one. `through`: the position up to which the log had been filled by then. */
  "archive.restored": { readonly source: string; readonly how: RestoredHow; readonly what: string; readonly act: Act; readonly through: string };
}

/** An event of `reprise.restored-<stream>`: what the log knew of an event of that stream. Its own id is that event's. */
export interface RestoredEventData {
  /** The stream in which it stood. */
  readonly lane: string;
  readonly revision: number;
  readonly type: string;
  readonly schemaVersion: number;
  readonly source: string | null;
  readonly occurredAt: string | null;
  readonly recordedAt: string;
  readonly position: string;
  readonly metadata: NewEvent["metadata"];
  readonly data: Json;
}

export interface Restoring {
  /** The id of the log whose archive it was. */
  readonly source: string;
  readonly how: RestoredHow;
  /** Of events that were brought back in place: the position up to which no handler is to be given them. Null: this is not known yet, since a restore was cut off. */
  readonly through: Position | null;
}

/** What was brought back into a log, as its last restore says; null: nothing was. */
export async function readRestored(log: Pick<EventLog, "readStream">): Promise<Restoring | null> {
  for await (const [last] of log.readStream(restoredMarks, { direction: "backward", limit: 1 })) {
    if (last === undefined) continue;
    const { source, how, through } = last.data as unknown as Partial<RestoredStreamData["archive.restored"]> & RestoredStreamData["archive.restoring"];
    return { source, how, through: through === undefined ? null : BigInt(through) };
  }
  return null;
}

export function restoredRecord<T extends "archive.restoring" | "archive.restored">(newId: NewId, type: T, data: RestoredStreamData[T]) {
  return { stream: restoredMarks, events: [ownEvent(newId, type, data)], expected: "any" as const };
}

export function toRestoredEvent(event: StoredEvent): NewEvent {
  const { id, stream: lane, revision, type, schemaVersion, source, occurredAt, recordedAt, position, metadata, data } = event;
  const kept: RestoredEventData = { lane, revision, type, schemaVersion, source, occurredAt, recordedAt, position: position.toString(), metadata, data };
  return { id, type: "event.restored", schemaVersion: 1, source: "reprise", occurredAt: null, data: kept as unknown as Json, metadata: { priority: "normal" } };
}

/** The event as it was in its own stream. */
export function fromRestoredEvent(restored: StoredEvent): StoredEvent {
  const { lane: stream, position, ...event } = restored.data as unknown as RestoredEventData;
  return { ...event, ...parseStreamName(stream)!, id: restored.id, stream, position: BigInt(position) };
}
