import type { StoredEvent } from "../../event/event.ts";
import { makeTurns } from "../../event/turns.ts";
import { eachEvent } from "../../log/each-event.ts";
import { makePageRoom, onePage } from "../../log/page-bytes.ts";
import type { DeliveryReads, DeliveryStatus } from "../model/delivery.ts";
import type { EventFilterOptions, EventReads, EventView } from "../model/event.ts";
import type { PageOptions } from "../model/page.ts";
import { allOf, type Condition, oneOf, type Sources, storedTypes } from "./context.ts";
import { fromCursor, toCursor } from "./cursor.ts";
import { type DeliveryRow, type EventKey, handlerRows, makeDeliveryReader } from "./deliveries.ts";
import { withEffects } from "./effects.ts";
import { entitiesNamed } from "./entities-named.ts";
import { positionsBetween } from "./entity-events.ts";
import { eventView } from "./event-view.ts";
import { by, byEach, deliveries, events, rowsAtOnce, rowsPerPage, type Step, stepsOf, stepsOfEntities, unordered, type Way } from "./ways.ts";

/** Events of which one page judges the status, at most, 10 µs each: a page may be shorter than its limit, and `nextCursor` then goes on behind them. */
const judgedPerPage = 50_000;
/** A handler's types make a way into the log as long as they are so few. */
const maxTypesOfWay = 20;

/** Statuses that only rows of their own have (`skipped` is also what a gap leaves). */
const recordedStatuses: readonly DeliveryStatus[] = ["failed", "dead_lettered", "escalated", "replayed", "discarded"];

export function makeEventQueries(sources: Sources): EventReads & DeliveryReads {
  const { log, catalog } = sources;

  async function findEvent(tenant: string, id: string): Promise<StoredEvent | undefined> {
    return (await log.findByIds(tenant, [id]))[0];
  }

  return {
    async event(tenant, id) {
      const stored = await findEvent(tenant, id);
      return stored && eventView(catalog, stored, await withEffects(sources, stored, makeDeliveryReader(sources).deliveries(toKey(stored), true)));
    },

    locate(tenant, ids) {
      return sources.db().all<{ id: string; stream: string; revision: number }>(
        `select e.id, n.stream, e.revision from json_each(?) wanted cross join events e indexed by events_by_id on e.id = wanted.value
             cross join entities n on n.id = e.entity where e.tenant = ?`,
        JSON.stringify(ids),
        tenant,
      );
    },

    present(events) {
      const reader = makeDeliveryReader(sources);
      return events.map((event) => eventView(catalog, event, reader.deliveries(toKey(event), false)));
    },

    async deliveriesOf(tenant, id) {
      const delivery = sources
        .db()
        .get<{ event_id: string }>("select event_id from deliveries indexed by deliveries_by_id where delivery_id = ? and tenant = ?", id, tenant);
      const stored = await findEvent(tenant, delivery?.event_id ?? id);
      if (stored === undefined) return [];
      const all = makeDeliveryReader(sources).deliveries(toKey(stored), false);
      return delivery === undefined ? all : all.filter(({ deliveryId }) => deliveryId === id);
    },

    async recordedDelivery(tenant, id) {
      const row = sources
        .db()
        .get<DeliveryRow & { readonly stream: string }>(
          "select d.*, n.stream from deliveries d indexed by deliveries_by_id cross join entities n on n.id = d.entity where d.delivery_id = ? and d.tenant = ?",
          id,
          tenant,
        );
      if (row === undefined) return undefined;
      const { handler, stream, revision, event_id: eventId, status, error_type: type, error_message: message } = row;
      return { handler, stream, revision, eventId, status, error: type === null ? null : { type, message: message ?? "" } };
    },

    async events(filter, page) {
      const { keys, nextCursor } = await walk(sources, filter, page);
      return onePage(async () => {
        const room = makePageRoom();
        const shown: EventView[] = [];
        let last: EventKey | undefined;
        for await (const { row, event } of eachEvent(log, filter.tenant, keys, ({ id }) => id)) {
          if (event !== undefined) {
            // Removed from the log: not in this list.
            const view = eventView(catalog, event, makeDeliveryReader(sources).deliveries(row, false));
            if (!room.takes(view)) return { events: shown, nextCursor: toCursor("events", last!.position) };
            shown.push(view);
          }
          last = row;
        }
        return { events: shown, nextCursor };
      });
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
  const keys: EventKey[] = [];
  const search = makeSearch(sources, filter, before);
  if (search === null) return { keys, nextCursor: null };
  const { status, handler } = filter;
  const turns = makeTurns();
  let left = status === undefined ? rowsPerPage : judgedPerPage;
  for await (const { keys: found, rows, reached } of search.steps) {
    const matching = sources.db().all<EventKey>(
      `${columns} from (select distinct position from (${found.sql})) k cross join events e not indexed on e.position = k.position
         where ${search.where.sql} order by e.position desc limit ?`,
      ...found.parameters,
      ...search.where.parameters,
      status === undefined ? limit - keys.length + 1 : rowsAtOnce * 2,
    );
    let reader = makeDeliveryReader(sources);
    for (const row of matching) {
      if (turns.due()) {
        await turns.next();
        reader = makeDeliveryReader(sources);
      }
      if (status !== undefined && !hasStatus(reader.statuses(row), status, handler)) continue;
      if (keys.length === limit) return { keys, nextCursor: toCursor("events", before) };
      keys.push(row);
      before = row.position;
    }
    if (reached === null) return { keys, nextCursor: null };
    before = reached;
    left -= rows;
    if (left <= 0) return { keys, nextCursor: toCursor("events", before) };
  }
  return { keys, nextCursor: null };
}

function hasStatus(statuses: ReadonlyMap<string, DeliveryStatus>, status: DeliveryStatus, handler: string | undefined): boolean {
  return handler === undefined ? [...statuses.values()].includes(status) : statuses.get(handler) === status;
}

const columns = "select e.id, (select stream from entities where id = e.entity) as stream, e.type, e.revision, e.position";

/** Where to look for events below a position, and what else they have to be; null when the filter names what is not there. */
function makeSearch(
  sources: Sources,
  filter: EventFilterOptions,
  before: number,
): { readonly steps: AsyncGenerator<Step, void>; readonly where: Condition } | null {
  const { tenant, status, handler, correlationId, source, eventType, entityType } = filter;
  const entities = filter.entityId === undefined ? null : entitiesNamed(sources, tenant, filter.entityId, entityType);
  if (entities?.length === 0) return null;
  const range = positionsOf(sources, filter, before - 1);
  const types = eventType === undefined ? null : storedTypes(sources.catalog, eventType);
  const conditions: Condition[] = [{ sql: "e.tenant = ?", parameters: [tenant] }];
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
    const way = handler === undefined ? by("deliveries_by_status", ["status", status]) : by("deliveries_by_handler", ["handler", handler], ["status", status]);
    const ofEntities = entities === null ? [] : [unordered(null, "entity", entities)];
    return { steps: stepsOf(sources.db, deliveries, [way, ...ofEntities], "down", range), where };
  }
  if (entities !== null) return { steps: stepsOfEntities(sources.db, entities, range), where };
  const ways: Way[] = [];
  if (correlationId !== undefined) ways.push(by("events_by_correlation", ["correlation_id", correlationId]));
  if (source !== undefined) ways.push(by("events_by_source", ["tenant", tenant], ["source", source]));
  if (types !== null) ways.push(byEach("events_by_type", [["tenant", tenant]], "type", types));
  if (entityType !== undefined) ways.push(by("events_by_entity_type", ["tenant", tenant], ["entity_type", entityType]));
  if (handler !== undefined && types === null) {
    const wanted = sources.db().all<{ type: string }>("select type from temp.wanted where handler = ? limit ?", handler, maxTypesOfWay + 1);
    if (wanted.length === 0) return null;
    if (wanted.length <= maxTypesOfWay)
      ways.push(
        byEach(
          "events_by_type",
          [["tenant", tenant]],
          "type",
          wanted.map(({ type }) => type),
        ),
      );
  }
  const [first = by("events_by_tenant", ["tenant", tenant]), ...others] = ways;
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
  const minuteOf = (ms: number) => Math.floor(ms / 60_000);
  const first =
    sinceMs === undefined
      ? 0
      : db().get<{ first: number | null }>("select min(first_position) as first from minutes where minute >= ?", minuteOf(sinceMs))!.first;
  const last =
    untilMs === undefined
      ? high
      : db().get<{ last: number | null }>("select max(last_position) as last from minutes where minute <= ?", minuteOf(untilMs))!.last;
  return { low: first ?? Number.MAX_SAFE_INTEGER, high: Math.min(last ?? -1, high) };
}
