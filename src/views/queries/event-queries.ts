import { setImmediate as nextTurn } from "node:timers/promises";
import type { StoredEvent } from "../../event/event.ts";
import type { DeliveryStatus, EventFilterOptions, EventView, PageOptions, Views } from "../model.ts";
import { allOf, type Condition, oneOf, type Sources, storedTypes } from "./context.ts";
import { fromCursor, toCursor } from "./cursor.ts";
import { type DeliveryRow, type EventKey, makeDeliveryReader } from "./deliveries.ts";
import { withEffects } from "./effects.ts";
import { newestFirst, positionsBetween } from "./entity-events.ts";
import { eventView, readEvents } from "./event-view.ts";

/** Rows that one page looks at, at most: a page may be shorter than its limit, and `nextCursor` then goes on behind them. */
const rowsPerPage = 50_000;
const rowsPerTurn = 1000;

/** Statuses that only rows of their own have (`skipped` is also what a gap leaves). */
const recordedStatuses: readonly DeliveryStatus[] = ["failed", "dead_lettered", "escalated", "replayed", "discarded"];

export function makeEventQueries(sources: Sources): Pick<Views, "event" | "events" | "locate" | "present" | "deliveriesOf" | "recordedDelivery"> {
  const { log, catalog } = sources;

  async function findEvent(tenant: string, id: string): Promise<StoredEvent | undefined> {
    return (await readEvents(log, tenant, [id])).get(id);
  }

  return {
    async event(tenant, id) {
      const stored = await findEvent(tenant, id);
      return stored && eventView(catalog, stored, await withEffects(sources, stored, makeDeliveryReader(sources).deliveries(toKey(stored), true)));
    },

    locate(tenant, ids) {
      return sources
        .db()
        .all<{ id: string; stream: string; revision: number }>(
          `select e.id, n.stream, e.revision from json_each(?) wanted cross join events e on e.id = wanted.value join entities n on n.id = e.entity where e.tenant = ?`,
          JSON.stringify(ids),
          tenant,
        );
    },

    present(events) {
      const reader = makeDeliveryReader(sources);
      return events.map((event) => eventView(catalog, event, reader.deliveries(toKey(event), false)));
    },

    async deliveriesOf(tenant, id) {
      const delivery = sources.db().get<{ event_id: string }>("select event_id from deliveries where delivery_id = ? and tenant = ?", id, tenant);
      const stored = await findEvent(tenant, delivery?.event_id ?? id);
      if (stored === undefined) return [];
      const all = makeDeliveryReader(sources).deliveries(toKey(stored), false);
      return delivery === undefined ? all : all.filter(({ deliveryId }) => deliveryId === id);
    },

    async recordedDelivery(tenant, id) {
      const row = sources
        .db()
        .get<DeliveryRow & { readonly stream: string }>(
          "select d.*, n.stream from deliveries d cross join entities n on n.id = d.entity where d.delivery_id = ? and +d.tenant = ?",
          id,
          tenant,
        );
      if (row === undefined) return undefined;
      const { handler, stream, revision, event_id: eventId, status, error_type: type, error_message: message } = row;
      return { handler, stream, revision, eventId, status, error: type === null ? null : { type, message: message ?? "" } };
    },

    async events(filter, page) {
      const { keys, nextCursor } = await walk(sources, filter, page);
      const stored = await readEvents(
        log,
        filter.tenant,
        keys.map(({ id }) => id),
      );
      const reader = makeDeliveryReader(sources);
      const events = keys.flatMap((key): EventView[] => {
        const event = stored.get(key.id);
        return event === undefined ? [] : [eventView(catalog, event, reader.deliveries(key, false))]; // removed from the log: not in this list
      });
      return { events, nextCursor };
    },
  };
}

function toKey({ id, stream, type, revision, position }: StoredEvent): EventKey {
  return { id, stream, type, revision, position: Number(position) };
}

/** Newest first, from the cursor down, until the page is full or enough was looked at. */
async function walk(
  sources: Sources,
  filter: EventFilterOptions,
  { limit, cursor }: PageOptions,
): Promise<{ readonly keys: readonly EventKey[]; readonly nextCursor: string | null }> {
  let before = fromCursor("events", cursor, ["number"])?.[0] ?? Number.MAX_SAFE_INTEGER;
  const select = makeSelect(sources, filter);
  const keys: EventKey[] = [];
  if (select === null) return { keys, nextCursor: null };
  const { status, handler } = filter;
  const chunk = status === undefined ? limit + 1 : rowsPerTurn;
  for (let looked = 0; looked < rowsPerPage; looked += chunk) {
    const { sql, parameters } = select(before);
    const rows = sources.db().all<EventKey>(`${sql} limit ?`, ...parameters, chunk);
    const reader = makeDeliveryReader(sources);
    for (const row of rows) {
      if (row.position === before) continue; // met for another handler
      const wanted = status === undefined || hasStatus(reader.statuses(row), status, handler);
      if (wanted && keys.length === limit) return { keys, nextCursor: toCursor("events", before) };
      if (wanted) keys.push(row);
      before = row.position;
    }
    if (rows.length < chunk) return { keys, nextCursor: null };
    await nextTurn();
  }
  return { keys, nextCursor: toCursor("events", before) };
}

function hasStatus(statuses: ReadonlyMap<string, DeliveryStatus>, status: DeliveryStatus, handler: string | undefined): boolean {
  return handler === undefined ? [...statuses.values()].includes(status) : statuses.get(handler) === status;
}

const columns = "select e.id, (select stream from entities where id = e.entity) as stream, e.type, e.revision, e.position";

/**
 * What to select from, by what narrows it most: rows of the status, what runs, the entity, or the event index. `cross join` keeps that order.
 *
 * @returns the select of the events below a position, newest first; null when the filter names what is not there.
 */
function makeSelect(sources: Sources, filter: EventFilterOptions): ((before: number) => Condition) | null {
  const { status, handler } = filter;
  const entities = entitiesOf(sources, filter);
  if (entities?.length === 0) return null;
  const { sql: where, parameters } = allOf([
    ...equalTo(sources, filter, entities),
    ...timeConditions(sources, filter),
    ...(handler === undefined
      ? []
      : [{ sql: "exists (select 1 from temp.wanted w where w.handler = ? and w.type = e.type and w.since < e.position)", parameters: [handler] }]),
  ]);
  const some = handler === undefined ? [] : [handler];
  const ofHandler = (alias: string) => (handler === undefined ? "" : `and ${alias}.handler = ?`);

  if (status === "processing") {
    const running = makeDeliveryReader(sources).handlers.flatMap(({ name }) =>
      handler === undefined || handler === name ? sources.running.running(name).map(({ stream, revision }) => [stream, revision]) : [],
    );
    return (before) => ({
      sql: `${columns} from json_each(?) j cross join entities n on n.stream = j.value ->> 0
              cross join ${positionsBetween("n.id", "j.value ->> 1", "j.value ->> 1")} p cross join events e on e.position = p.value
            where ${where} and e.position < ? order by e.position desc`,
      parameters: [JSON.stringify(running), ...parameters, before],
    });
  }
  if (status === "skipped")
    return (before) => ({
      sql: `${columns} from (
              select d.position from deliveries d where d.status = 'skipped' ${ofHandler("d")} and d.position < ?
              union select h.position from gaps g cross join ${positionsBetween("g.entity", "g.first", "g.last")} p cross join events h on h.position = p.value
                where h.position < ? ${ofHandler("g")}
            ) p cross join events e on e.position = p.position where ${where} order by p.position desc`,
      parameters: [...some, before, before, ...some, ...parameters],
    });
  if (status !== undefined && recordedStatuses.includes(status))
    return (before) => ({
      sql: `${columns} from deliveries d cross join events e on e.position = d.position
            where d.status = ? ${ofHandler("d")} and d.position < ? and ${where} order by d.position desc`,
      parameters: [status, ...some, before, ...parameters],
    });
  if (entities !== null)
    return (before) => ({
      sql: `${newestFirst} ${columns} from walk cross join events e on e.position = walk.position where ${where} and e.position < ?`,
      parameters: [JSON.stringify(entities), before, before, ...parameters, before],
    });
  return (before) => ({ sql: `${columns} from events e where ${where} and e.position < ? order by e.position desc`, parameters: [...parameters, before] });
}

/** Entities that the filter names; null when it names none by id. */
function entitiesOf({ db }: Sources, { tenant, entityType, entityId }: EventFilterOptions): readonly number[] | null {
  if (entityId === undefined) return null;
  const ofType = entityType === undefined ? [] : [entityType];
  return db()
    .all<{ id: number }>(
      `select id from entities where tenant = ? and entity = ? ${entityType === undefined ? "" : "and type = ?"} order by id`,
      tenant,
      entityId,
      ...ofType,
    )
    .map(({ id }) => id);
}

/** What the filter wants to be equal. The column that narrows most drives by its index; `+` keeps SQLite from walking another one. */
function equalTo({ catalog }: Sources, filter: EventFilterOptions, entities: readonly number[] | null): readonly Condition[] {
  const { tenant, correlationId, source, eventType, entityType } = filter;
  const one = (value: string | undefined) => (value === undefined ? [] : [value]);
  const columns: readonly (readonly [column: string, values: readonly (string | number)[]])[] = [
    ["e.entity", entities ?? []],
    ["e.correlation_id", one(correlationId)],
    ["e.source", one(source)],
    ["e.type", eventType === undefined ? [] : storedTypes(catalog, eventType)],
    ["e.entity_type", entities === null ? one(entityType) : []],
  ];
  const given = columns.filter(([, values]) => values.length > 0);
  const ofAllTenants = entities !== null || correlationId !== undefined; // the driving index
  return [
    oneOf(ofAllTenants ? "+e.tenant" : "e.tenant", [tenant]),
    // Several values would lose the index's order, which matters but for the few events of an entity.
    ...given.map(([column, values], index) => oneOf(index === 0 && (values.length === 1 || entities !== null) ? column : `+${column}`, values)),
  ];
}

function timeConditions(sources: Sources, filter: EventFilterOptions): readonly Condition[] {
  const conditions: Condition[] = [];
  if (filter.sinceMs !== undefined) {
    const minute = Math.floor(filter.sinceMs / 60_000);
    const { first } = sources.db().get<{ first: number | null }>("select min(first_position) as first from minutes where minute >= ?", minute)!;
    conditions.push({ sql: "e.position >= ? and e.recorded_ms >= ?", parameters: [first ?? Number.MAX_SAFE_INTEGER, filter.sinceMs] });
  }
  if (filter.untilMs !== undefined) {
    const minute = Math.floor(filter.untilMs / 60_000);
    const { last } = sources.db().get<{ last: number | null }>("select max(last_position) as last from minutes where minute <= ?", minute)!;
    conditions.push({ sql: "e.position <= ? and e.recorded_ms < ?", parameters: [last ?? -1, filter.untilMs] });
  }
  return conditions;
}
