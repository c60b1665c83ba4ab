/** Which messages a reader wants. */
import { everyTenant, journalPrefix } from "../../event/names.ts";
import type { EventFilter } from "../../log/event-log.ts";
import type { DeliveryStatus } from "../../views/model/delivery.ts";
import type { Told } from "./told.ts";

export interface Wanted {
  /** `*`: all. */
  readonly tenant: string;
  /** Today's name of a type. */
  readonly eventType?: string;
  readonly entityType?: string;
  readonly entityId?: string;
  readonly events: boolean;
  /** Changes of deliveries to these; none: no deliveries. */
  readonly statuses: ReadonlySet<DeliveryStatus>;
}

/** All but the completions, of which each event has one for each handler. */
export const troubledStatuses: readonly DeliveryStatus[] = ["failed", "dead_lettered", "escalated", "replayed", "discarded", "skipped"];

export function wantsDeliveries({ statuses }: Wanted): boolean {
  return statuses.size > 0;
}

export function wantsCompletions({ statuses }: Wanted): boolean {
  return statuses.has("completed");
}

/** Whether the type of a delivery's event has to be known to decide. */
export function needsType(wanted: Wanted): boolean {
  return wanted.eventType !== undefined && wantsDeliveries(wanted);
}

/** Whether a record about this entity may hold something that is wanted. */
export function isAbout({ tenant, entityType, entityId }: Wanted, about: Pick<Told, "tenant" | "entity">): boolean {
  if (tenant !== everyTenant && tenant !== about.tenant) return false;
  if (entityType !== undefined && entityType !== about.entity.type) return false;
  return entityId === undefined || entityId === about.entity.id;
}

/** @param storedTypes those that a wanted event may have in the log. */
export function isWanted(wanted: Wanted, told: Told, storedTypes: ReadonlySet<string> | null): boolean {
  if (!isAbout(wanted, told)) return false;
  if (told.kind === "event") return wanted.events && (wanted.eventType === undefined || wanted.eventType === told.type);
  return wanted.statuses.has(told.status) && (storedTypes === null || (told.storedType !== null && storedTypes.has(told.storedType)));
}

/** What of the log has to be read for it; undefined: everything. */
export function filterOf(wanted: Wanted): EventFilter | undefined {
  const { tenant, entityType, entityId, events } = wanted;
  const journals = wantsDeliveries(wanted) ? [journalPrefix] : [];
  if (!events) return { streamPrefixes: journals };
  if (tenant === everyTenant) return undefined;
  const ofEntity = entityType === undefined ? "" : entityId === undefined ? `${entityType}-` : `${entityType}-${entityId}`;
  return { streamPrefixes: [`${tenant}.${ofEntity}`, ...journals] };
}
