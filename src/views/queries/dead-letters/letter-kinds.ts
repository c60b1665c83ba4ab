import { everyTenant } from "../../../event/names.ts";
import type { ViewDatabase } from "../../database.ts";
import type { DeadLetterFilter } from "../../model/dead-letter.ts";
import { allOf, type Condition, ofTenant, oneOf } from "../context.ts";
import { partsOf } from "../parts.ts";

/** Whether `letter_counts` tells apart all that the filter does. */
export function isByKind({ entityId, replayId, escalated, sinceMs, untilMs }: DeadLetterFilter): boolean {
  return escalated === undefined && entityId === undefined && replayId === undefined && sinceMs === undefined && untilMs === undefined;
}

const kindColumns = ["tenant", "handler", "entity_type", "type", "has_source", "source", "cause", "error_type", "error_message", "error_group"];

/** Conditions on `letter_counts d`, each of which leaves a bounded part of the filter's kinds: messages may be as many as dead letters. */
export function kindsOf(db: () => ViewDatabase, { tenant, handler }: DeadLetterFilter): AsyncGenerator<Condition, void> {
  // A handler's kinds stand together within a tenant only.
  const ofHandler = handler === undefined || tenant === everyTenant ? [] : [oneOf("d.handler", [handler])];
  // Every tenant's name is below `~`: SQLite ends a walk by such a bound, and not by the other columns' values.
  const ofTenants = tenant === everyTenant ? [{ sql: "d.tenant < '~'", parameters: [] }] : ofTenant("d.tenant", tenant);
  const where = allOf([...ofTenants, ...ofHandler]);
  return partsOf(db, { from: "letter_counts d", where, by: kindColumns.map((column) => [`d.${column}`, column === "has_source" ? -1 : ""] as const) });
}
