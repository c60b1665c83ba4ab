/** What today's catalog makes of events of the log, for plans and reports. */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Catalog, FailureText, LiftStep } from "../catalog/catalog.ts";
import type { ReplayItem } from "../delivery/journal-events.ts";
import type { Json, StoredEvent } from "../event/event.ts";
import type { EventLog } from "../log/event-log.ts";

/** Events read and lifted at once, between two turns of the event loop. */
const eventsAtOnce = 500;

/** Hands on the items in their order, each with its event; undefined when the log has it no more. */
export async function* eventsOf<T extends Pick<ReplayItem, "eventId">>(
  log: EventLog,
  tenant: string,
  items: readonly T[],
): AsyncGenerator<{ readonly item: T; readonly event: StoredEvent | undefined }, void> {
  for (let from = 0; from < items.length; from += eventsAtOnce) {
    const part = items.slice(from, from + eventsAtOnce);
    const events = new Map((await log.findByIds(tenant, [...new Set(part.map(({ eventId }) => eventId))])).map((event) => [event.id, event]));
    for (const item of part) yield { item, event: events.get(item.eventId) };
    await nextTurn();
  }
}

export type Liftability =
  | { readonly kind: "ok" }
  | { readonly kind: "newer_build" }
  /** `step`: `order.placed v1 → v2`, or the version whose schema refused it. */
  | { readonly kind: "invalid"; readonly step: string; readonly error: FailureText };

export function liftability(catalog: Catalog, event: StoredEvent): Liftability {
  const lifted = catalog.current(event);
  if (lifted.ok) return { kind: "ok" };
  if (lifted.reason === "newer_build") return { kind: "newer_build" };
  const type = catalog.resolve(event.type) ?? event.type;
  const { error, from, to } = lifted;
  return { kind: "invalid", step: from === to ? `${type} v${from}` : `${type} v${from} → v${to}`, error: { type: error.type, message: error.message } };
}

export interface Sample {
  readonly eventId: string;
  readonly stored: { readonly type: string; readonly schemaVersion: number; readonly data: Json };
  /** Null when it cannot be lifted; the last step says why. */
  readonly current: { readonly type: string; readonly schemaVersion: number; readonly data: Json } | null;
  readonly steps: readonly LiftStep[];
}

export function toSample(catalog: Catalog, event: StoredEvent): Sample {
  const lifted = catalog.current(event);
  return {
    eventId: event.id,
    stored: { type: event.type, schemaVersion: event.schemaVersion, data: event.data },
    current: lifted.ok ? { type: lifted.event.type, schemaVersion: lifted.event.schemaVersion, data: lifted.event.data as Json } : null,
    steps: catalog.steps(event),
  };
}
