import { streamName } from "../../../event/names.ts";
import { makeTurns } from "../../../event/turns.ts";
import { makePageRoom } from "../../../log/page-bytes.ts";
import type { ViewDatabase } from "../../database.ts";
import type { EntityFilterOptions, EntityReads, EntityView } from "../../model/entity.ts";
import type { Sources } from "../context.ts";
import { fromCursor, toCursor } from "../cursor.ts";
import { type DeliveryReader, makeDeliveryReader } from "../deliveries/delivery-reader.ts";
import { handlerRows } from "../deliveries/handler-rows.ts";
import { rowsAtOnce } from "../ways.ts";
import type { EntityRow } from "./entity-row.ts";
import { entityView, wantingHandlers } from "./entity-view.ts";

/** Entities that one page looks at, at most: a page may be shorter than its limit, and `nextCursor` then goes on behind them. */
const rowsPerPage = 50_000;

export function makeEntityReads(sources: Sources): EntityReads {
  return {
    async entity(tenant, entity) {
      const row = sources
        .db()
        .get<EntityRow>("select id, stream, revision, recorded_ms from entities where stream = ? and revision >= 0", streamName(tenant, entity));
      return row && entityView(sources, makeDeliveryReader(sources), row, makeTurns());
    },

    async entities(filter, { limit, cursor }) {
      let after = fromCursor("entities", cursor, ["number"])?.[0] ?? 0;
      const entities: EntityView[] = [];
      const room = makePageRoom();
      const turns = makeTurns();
      for (let looked = 0; looked < rowsPerPage; looked += rowsAtOnce) {
        const { rows, reached } = nextEntities(sources, filter, after);
        let reader = makeDeliveryReader(sources);
        for (const row of rows) {
          if (turns.due()) {
            await turns.next();
            reader = makeDeliveryReader(sources);
          }
          const matches = matchesLane(sources, reader, row, filter);
          if (matches && entities.length === limit) return { entities, nextCursor: toCursor("entities", after) };
          if (matches) {
            const view = await entityView(sources, reader, row, turns);
            if (!room.takes(view)) return { entities, nextCursor: toCursor("entities", after) };
            entities.push(view);
          }
          after = row.id;
        }
        if (reached === null) return { entities, nextCursor: null };
        after = reached;
      }
      return { entities, nextCursor: toCursor("entities", after) };
    },
  };
}

/**
 * In the order of their first events. Lanes that do not flow have rows, which are fewer than entities.
 *
 * @returns those of the next rows that match, and up to where all were looked at; null: to the end.
 */
function nextEntities(
  sources: Sources,
  { tenant, entityType, laneState, handler }: EntityFilterOptions,
  after: number,
): { readonly rows: readonly EntityRow[]; readonly reached: number | null } {
  const { db } = sources;
  const { from, parameters } = idsBeyond(db(), after);
  const { looked, last } = db().get<{ looked: number; last: number | null }>(`select count(*) as looked, max(id) as last from (${from})`, ...parameters)!;
  const ofType = entityType === undefined ? [] : [entityType];
  const rows = db().all<EntityRow>(
    `select n.id, n.stream, n.revision, n.recorded_ms from (select distinct id from (${from})) k cross join entities n not indexed on n.id = k.id
       where n.tenant = ? ${entityType === undefined ? "" : "and n.type = ?"} and n.revision >= 0 order by n.id`,
    ...parameters,
    tenant,
    ...ofType,
  );
  return { rows, reached: looked < rowsAtOnce ? null : last };

  /** A bounded part of the way that has the fewest rows. */
  function idsBeyond(rows: ViewDatabase, after: number): { readonly from: string; readonly parameters: readonly (string | number)[] } {
    if (laneState !== undefined && laneState !== "flowing" && laneState !== "stuck" && !standsStill(sources, handler))
      return handler === undefined
        ? { from: `select entity as id from lanes where entity > ? order by entity limit ${rowsAtOnce}`, parameters: [after] }
        : {
            from: `select entity as id from lanes indexed by lanes_by_handler where handler = ? and entity > ? order by entity limit ${rowsAtOnce}`,
            parameters: [handler, after],
          };
    if (entityType !== undefined)
      return {
        from: `select id from entities indexed by entities_by_type where tenant = ? and type = ? and id > ? order by id limit ${rowsAtOnce}`,
        parameters: [tenant, entityType, after],
      };
    // When the tenant has few of many entities, all of its own are read, in place of other tenants' entities.
    const few = { from: "select id from entities indexed by entities_by_type where tenant = ? and id > ?", parameters: [tenant, after] };
    const counted = rows.get<{ all: number }>(
      `select count(*) as "all" from (select 1 from entities indexed by entities_by_type where tenant = ? limit ${rowsAtOnce})`,
      tenant,
    )!;
    if (counted.all < rowsAtOnce) return few;
    return { from: `select id from entities not indexed where id > ? order by id limit ${rowsAtOnce}`, parameters: [after] };
  }
}

/** Whether all lanes of the handler (of any, without one) have a state of its own: then those without rows, too. */
function standsStill(sources: Sources, handler: string | undefined): boolean {
  return handlerRows(sources).some(
    ({ name, paused }) => (handler === undefined || handler === name) && (paused === 1 || sources.running.condition(name).state !== "running"),
  );
}

function matchesLane(sources: Sources, reader: DeliveryReader, { id, stream }: EntityRow, filter: EntityFilterOptions): boolean {
  if (filter.laneState === undefined && filter.handler === undefined) return true;
  return wantingHandlers(sources, reader, id).some(
    (handler) =>
      (filter.handler === undefined || handler.name === filter.handler) &&
      (filter.laneState === undefined || reader.state(handler, id, stream) === filter.laneState),
  );
}
