/** How the journal points at a delivery. */
import type { StoredEvent } from "../../event/event.ts";
import type { Delivery } from "./delivery.ts";
import type { Lane } from "./lane.ts";

export type EventPointer = Pick<StoredEvent, "revision" | "position" | "id">;

export type DeliveryPointer = ReturnType<typeof pointerTo>;

export const pointerTo = ({ stream }: Pick<Lane, "stream">, { revision, position, id }: EventPointer) => ({
  lane: stream,
  revision,
  at: position.toString(),
  eventId: id,
});

/** Which part of a split event failed. */
export const partOf = ({ part }: Pick<Delivery, "part">) => (part === null ? {} : { part: part.index });

/** Of one that was started by a process that ended, the journal has no more than where it stands. */
export type FailedEvent = EventPointer & Partial<Pick<StoredEvent, "type" | "schemaVersion">>;

/** For the error group of a failure, which outlives the event. */
export const storedAs = ({ type, schemaVersion }: FailedEvent) => (type === undefined || schemaVersion === undefined ? {} : { type, schemaVersion });
