import type { Json, StoredEvent } from "../../src/event/event.ts";

/** An event of one order, as a log gives it. */
export function storedAs(type: string, schemaVersion: number, data: Json): StoredEvent {
  return {
    id: "0197f3a0-0000-7000-8000-000000000001",
    type,
    schemaVersion,
    source: "intake",
    occurredAt: null,
    data,
    metadata: { priority: "normal", callChain: ["intake"] },
    stream: "default.order-7",
    tenant: "default",
    entity: { type: "order", id: "7" },
    revision: 4,
    position: 12n,
    recordedAt: "2026-07-01T12:00:00.000Z",
  };
}
