import { everyTenant } from "../../../event/names.ts";
import type { DeliveryStatus } from "../../model/delivery.ts";
import type { EventFilterOptions } from "../../model/event.ts";
import { dayOf } from "../../projections/event-index.ts";
import { allOf, type Condition, ofTenant, oneOf, type Sources, storedTypes } from "../context.ts";
import { handlerRows } from "../deliveries/handler-rows.ts";
import { entitiesNamed } from "../entities-named.ts";
import { positionsBetween } from "../entity-events.ts";
import { by, byAny, deliveries, events, everything, maxUnordered, type Step, stepsOf, stepsOfEntities, tenantsOf, unordered, type Way } from "../ways.ts";

/** A handler's types make a way into the log as long as they are so few. */
const maxTypesOfWay = 20;

/** Statuses that only rows of their own have (`skipped` is also what a gap leaves). */
const recordedStatuses: readonly DeliveryStatus[] = ["failed", "dead_lettered", "escalated", "replayed", "discarded"];

/** Where to look for events below a position, and what else they have to be; null when the filter names what is not there. */
export function makeSearch(
  sources: Sources,
  filter: EventFilterOptions,
  before: number,
): { readonly steps: AsyncGenerator<Step, void>; readonly where: Condition } | null {
  const { tenant, status, handler, correlationId, source, eventType, entityType } = filter;
  const entities = filter.entityId === undefined ? null : entitiesNamed(sources, tenant, filter.entityId, entityType);
  if (entities?.length === 0) return null;
  const range = positionsOf(sources, filter, before - 1);
  const types = eventType === undefined ? null : storedTypes(sources.catalog, eventType);
  const tenants = tenantsOf(sources, tenant);
  const conditions: Condition[] = [...ofTenant("e.tenant", tenant)];
  const equal = (column: string, values: readonly (string | number)[] | null | undefined) => {
    if (values !== null && values !== undefined) conditions.push(oneOf(column, values));
  };
  equal("e.entity", entities);
  equal("e.correlation_id", correlationId === undefined ? null : [correlationId]);
  equal("e.source", source === undefined ? null : [source]);
  equal("e.type", types);
  equal("e.entity_type", entityType === undefined ? null : [entityType]);
  if (filter.sinceMs !== undefined) conditions.push({ sql: "e.recorded_ms >= ?", parameters: [filter.sinceMs] });
  if (filter.untilMs !== undefined) conditions.push({ sql: "e.recorded_ms < ?", parameters: [filter.untilMs] });
  if (handler !== undefined)
    conditions.push({ sql: "exists (select 1 from temp.wanted w where w.handler = ? and w.type = e.type and w.since < e.position)", parameters: [handler] });
  const where = allOf(conditions);

  if (status === "processing") return { steps: stepsOfRunning(sources, handler, range), where };
  const recorded = status !== undefined && (recordedStatuses.includes(status) || (status === "skipped" && !hasGaps(sources)));
  if (recorded) {
    const handlers = handler === undefined ? handlerRows(sources).map(({ name }) => name) : [handler];
    const way =
      byAny("deliveries_by_handler", ["handler", handlers], ["tenant", tenants], ["status", [status]]) ?? by("deliveries_by_status", ["status", status]);
    const ofEntities = entities === null || entities.length > maxUnordered ? [] : [unordered(null, "entity", entities)];
    return { steps: stepsOf(sources.db, deliveries, [way, ...ofEntities], "down", range), where };
  }
  if (entities !== null) return { steps: stepsOfEntities(sources.db, entities, range), where };
  const ways: Way[] = [];
  const push = (way: Way | null) => {
    if (way !== null) ways.push(way);
  };
  if (correlationId !== undefined) push(by("events_by_correlation", ["correlation_id", correlationId]));
  if (source !== undefined) push(byAny("events_by_source", ["tenant", tenants], ["source", [source]]));
  if (types !== null) push(byAny("events_by_type", ["tenant", tenants], ["type", types]));
  if (entityType !== undefined) push(byAny("events_by_entity_type", ["tenant", tenants], ["entity_type", [entityType]]));
  if (handler !== undefined && types === null) {
    const wanted = sources.db().all<{ type: string }>("select type from temp.wanted where handler = ? limit ? + 0", handler, maxTypesOfWay + 1);
    if (wanted.length === 0) return null;
    const named = wanted.map(({ type }) => type);
    push(byAny("events_by_type", ["tenant", tenants], ["type", named]));
  }
  const [first = tenant === everyTenant ? everything : by("events_by_tenant", ["tenant", tenant]), ...others] = ways;
  return { steps: stepsOf(sources.db, events, [first, ...others], "down", range), where };
}

/** What runs just now: no more than the slots of all handlers. */
async function* stepsOfRunning(
  sources: Sources,
  handler: string | undefined,
  { low, high }: { readonly low: number; readonly high: number },
): AsyncGenerator<Step, void> {
  const running = handlerRows(sources).flatMap(({ name }) =>
    handler === undefined || handler === name ? sources.running.running(name).map(({ stream, revision }) => [stream, revision]) : [],
  );
  const keys: Condition = {
    sql: `select p.value as position from json_each(?) j cross join entities n on n.stream = j.value ->> 0
            cross join ${positionsBetween("n.id", "j.value ->> 1", "j.value ->> 1")} p where p.value between ? and ?`,
    parameters: [JSON.stringify(running), low, high],
  };
  yield { keys, rows: running.length, reached: null };
}

/** Holes in streams skip what was there, without rows of their own. */
function hasGaps({ db }: Sources): boolean {
  return db().get("select 1 from gaps limit 1") !== undefined;
}

/** The positions, both included, that the filter's times leave. */
function positionsOf({ db }: Sources, { sinceMs, untilMs }: EventFilterOptions, high: number): { readonly low: number; readonly high: number } {
  const first = sinceMs === undefined ? 0 : firstSince(db, Math.floor(sinceMs / 60_000));
  const last = untilMs === undefined ? high : lastUntil(db, Math.floor(untilMs / 60_000));
  return { low: first ?? Number.MAX_SAFE_INTEGER, high: Math.min(last ?? -1, high) };
}

/** The lowest position in a minute or later: among the rest of its day, minute by minute, and the days after it. */
function firstSince(db: Sources["db"], minute: number): number | null {
  const sql = `select min(first) as first from (select min(first_position) as first from minutes where minute >= ? and minute < ?
    union all select min(first_position) from days where day > ?)`;
  return db().get<{ first: number | null }>(sql, minute, (dayOf(minute) + 1) * 1440, dayOf(minute))!.first;
}

/** The highest position in a minute or earlier. */
function lastUntil(db: Sources["db"], minute: number): number | null {
  const sql = `select max(last) as last from (select max(last_position) as last from minutes where minute >= ? and minute <= ?
    union all select max(last_position) from days where day < ?)`;
  return db().get<{ last: number | null }>(sql, dayOf(minute) * 1440, minute, dayOf(minute))!.last;
}
