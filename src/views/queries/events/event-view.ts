import type { Catalog } from "../../../catalog/catalog.ts";
import { type Json, positionText, type StoredEvent } from "../../../event/event.ts";
import type { DeliveryView } from "../../model/delivery.ts";
import type { EventView, LiftedView } from "../../model/event.ts";
import { currentType } from "../context.ts";

/** The data as today's schema has it, or why it cannot be lifted. Never throws. */
export function liftedView(catalog: Catalog, event: StoredEvent): LiftedView {
  const stored = { type: event.type, schemaVersion: event.schemaVersion, data: event.data };
  const lifted = catalog.current(event);
  const schemaVersion = catalog.describe(event.type)?.current ?? event.schemaVersion;
  const none = { schemaVersion, data: null, dataError: null, parts: null, dropped: null, stored };
  if (!lifted.ok) return { ...none, dataError: `${lifted.error.type}: ${lifted.error.message}` };
  if (lifted.dropped !== null) return { ...none, dropped: lifted.dropped };
  const [first] = lifted.parts;
  if (first!.origin === null) return { ...none, data: first!.data as Json };
  return { ...none, parts: lifted.parts.map((part) => ({ id: part.id, type: part.type, schemaVersion: part.schemaVersion, data: part.data as Json })) };
}

export function eventView(catalog: Catalog, event: StoredEvent, deliveries: readonly DeliveryView[]): EventView {
  const { metadata } = event;
  return {
    id: event.id,
    type: currentType(catalog, event.type),
    entity: event.entity,
    tenant: event.tenant,
    revision: event.revision,
    position: positionText(event.position),
    source: event.source,
    occurredAt: event.occurredAt,
    recordedAt: event.recordedAt,
    priority: metadata.priority,
    correlationId: metadata.correlationId ?? null,
    causationId: metadata.causationId ?? null,
    traceparent: metadata.traceparent ?? null,
    callChain: metadata.callChain ?? null,
    contextRefs: metadata.contextRefs ?? null,
    extensions: metadata.extensions ?? null,
    ...liftedView(catalog, event),
    deliveries,
  };
}
