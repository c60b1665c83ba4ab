/** Lifts events of the log with today's catalog, for plans and reports. */
import type { Catalog, FailureText, LiftStep } from "../catalog/catalog.ts";
import type { RunningHandlers } from "../delivery/running-handlers.ts";
import type { Json, StoredEvent } from "../event/event.ts";
import { eachEvent } from "../log/each-event.ts";
import type { EventLog } from "../log/event-log.ts";
import type { ReplayItem } from "../records/replay-item.ts";

/** Hands on the items in their order, each with its event; undefined when the log no longer has it. */
export async function* eventsOf<T extends Pick<ReplayItem, "eventId">>(
  log: EventLog,
  tenant: string,
  items: readonly T[],
): AsyncGenerator<{ readonly item: T; readonly event: StoredEvent | undefined }, void> {
  for await (const { row, event } of eachEvent(log, tenant, items, ({ eventId }) => eventId)) yield { item: row, event };
}

/** The event with the data that a dead letter's next delivery carries: an amendment's, where it has one. */
export async function asDelivered(delivery: RunningHandlers, { handler, lane, revision }: ReplayItem, stored: StoredEvent): Promise<StoredEvent> {
  if (!(await delivery.find(handler)?.known(lane, revision))?.isAmended) return stored;
  return (await delivery.must(handler).letters.event(lane, revision))?.event ?? stored;
}

export type Liftability =
  | { readonly kind: "ok" }
  | { readonly kind: "newer_build" }
  | { readonly kind: "damaged" }
  /** `step`: `order.placed v1 → v2`, or the version whose schema refused it. */
  | { readonly kind: "invalid"; readonly step: string; readonly error: FailureText };

export function liftability(catalog: Catalog, event: StoredEvent): Liftability {
  const lifted = catalog.current(event);
  if (lifted.ok) return { kind: "ok" };
  if (lifted.reason === "newer_build" || lifted.reason === "damaged") return { kind: lifted.reason };
  const type = catalog.resolve(event.type) ?? event.type;
  const { error, from, to } = lifted;
  return { kind: "invalid", step: from === to ? `${type} v${from}` : `${type} v${from} → v${to}`, error: { type: error.type, message: error.message } };
}

type Today = { readonly type: string; readonly schemaVersion: number; readonly data: Json };

export interface Sample {
  readonly eventId: string;
  readonly stored: Today;
  /** Null when it cannot be lifted (the last step says why), is dropped, or is several events today. */
  readonly current: Today | null;
  /** Of an event that a step splits. */
  readonly parts: readonly Today[] | null;
  /** Why a step dropped it. */
  readonly dropped: string | null;
  readonly steps: readonly LiftStep[];
}

export function toSample(catalog: Catalog, event: StoredEvent): Sample {
  const lifted = catalog.current(event);
  const today = lifted.ok
    ? lifted.parts.map(({ type, schemaVersion, data, origin }) => ({ type, schemaVersion, data: data as Json, isPart: origin !== null }))
    : [];
  const split = today.some(({ isPart }) => isPart);
  const shown = today.map(({ type, schemaVersion, data }) => ({ type, schemaVersion, data }));
  return {
    eventId: event.id,
    stored: { type: event.type, schemaVersion: event.schemaVersion, data: event.data },
    current: split ? null : (shown[0] ?? null),
    parts: split ? shown : null,
    dropped: lifted.ok ? lifted.dropped : null,
    steps: catalog.steps(event),
  };
}
