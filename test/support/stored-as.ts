import type { Json, StoredEvent } from "../../src/event/event.ts";
import { makeStoredEvent } from "./stored-event.ts";

/** An event of one order, as a log gives it. */
export function storedAs(type: string, schemaVersion: number, data: Json): StoredEvent {
  const about = { source: "intake", metadata: { priority: "normal", callChain: ["intake"] } } as const;
  return makeStoredEvent({
    type,
    schemaVersion,
    data,
    ...about,
    stream: "default.order-7",
    revision: 4,
    position: 12n,
    recordedAt: "2026-07-01T12:00:00.000Z",
  });
}
