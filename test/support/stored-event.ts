import type { StoredEvent as GivenEvent } from "reprise";
import { positionText, type StoredEvent } from "../../src/event/event.ts";
import { parseStreamName } from "../../src/event/names.ts";

/** An event as a log gives it: of order 1, its first one, unless something else is said. Tenant and entity follow from the stream. */
export function makeStoredEvent(more: Partial<StoredEvent> = {}): StoredEvent {
  const { stream = "default.order-1" } = more;
  const { tenant, entity } = parseStreamName(stream)!;
  return {
    id: "0198c0de-0000-7000-8000-000000000001",
    type: "order.placed",
    schemaVersion: 1,
    source: null,
    occurredAt: null,
    data: {},
    metadata: { priority: "normal" },
    stream,
    tenant,
    entity,
    revision: 0,
    position: 1n,
    recordedAt: "2026-01-01T00:00:00.000Z",
    ...more,
  };
}

/** The same as steps of the chain are given it. */
export function makeGivenEvent(more: Partial<StoredEvent> = {}): GivenEvent {
  const event = makeStoredEvent(more);
  return { ...event, position: positionText(event.position) };
}
