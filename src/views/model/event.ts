import type { ContextRef, Entity, EventMetadata, Json, PositionText as Position, Priority, StoredEvent } from "../../event/event.ts";
import type { DeliveryStatus, DeliveryView } from "./delivery.ts";
import type { PageOptions } from "./page.ts";

/** One of the events that a stored one is today. */
export interface PartView {
  readonly id: string;
  readonly type: string;
  readonly schemaVersion: number;
  readonly data: Json;
}

/** Data as today's schema has it, beside what the log holds. */
export interface LiftedView {
  readonly schemaVersion: number;
  /** Null when the payload cannot be lifted (`dataError` says why), or is not one event today (see `parts`, `dropped`). */
  readonly data: Json;
  readonly dataError: string | null;
  /** What the event was split into, in order; null for one that is not split. */
  readonly parts: readonly PartView[] | null;
  /** Why a step dropped the event; null for one that is not dropped. */
  readonly dropped: string | null;
  readonly stored: { readonly type: string; readonly schemaVersion: number; readonly data: Json };
}

export interface EventView extends LiftedView {
  readonly id: string;
  readonly type: string;
  readonly entity: Entity;
  readonly tenant: string;
  readonly revision: number;
  readonly position: Position;
  readonly source: string | null;
  readonly occurredAt: string | null;
  readonly recordedAt: string;
  readonly priority: Priority;
  readonly correlationId: string | null;
  readonly causationId: string | null;
  readonly traceparent: string | null;
  readonly callChain: readonly string[] | null;
  readonly contextRefs: readonly ContextRef[] | null;
  readonly extensions: EventMetadata["extensions"] | null;
  readonly deliveries: readonly DeliveryView[];
}

export interface EventFilterOptions {
  readonly tenant: string;
  readonly status?: DeliveryStatus;
  readonly handler?: string;
  readonly eventType?: string;
  readonly source?: string;
  readonly entityType?: string;
  readonly entityId?: string;
  readonly correlationId?: string;
  /** Recorded at or after, before: milliseconds since 1970. */
  readonly sinceMs?: number;
  readonly untilMs?: number;
}

/** Reads of events and of their deliveries. */
export interface EventReads {
  event(tenant: string, id: string): Promise<EventView | undefined>;
  /** Newest event first. With `show`: each as that makes it, at once, so that a page's views are not all there together. */
  events<T extends object>(
    filter: EventFilterOptions,
    page: PageOptions,
    show: (event: EventView) => T,
  ): Promise<{ readonly events: readonly T[]; readonly nextCursor: string | null }>;
  events(filter: EventFilterOptions, page: PageOptions): Promise<{ readonly events: readonly EventView[]; readonly nextCursor: string | null }>;
  /** Where events of a tenant stand, by id. Ids that the rows do not contain are left out. */
  locate(tenant: string, ids: readonly string[]): readonly { readonly id: string; readonly stream: string; readonly revision: number }[];
  /** Shows events that were read from the log as lists show them. */
  present(events: readonly StoredEvent[]): readonly EventView[];
}
