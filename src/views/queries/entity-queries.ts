import { toIso } from "../../event/clock.ts";
import { parseStreamName, streamName } from "../../event/names.ts";
import { makeTurns, type Turns } from "../../event/turns.ts";
import { makePageRoom } from "../../log/page-bytes.ts";
import type { ViewDatabase } from "../database.ts";
import type { DeliveryStatus } from "../model/delivery.ts";
import type { EntityFilterOptions, EntityReads, EntityView, LaneView } from "../model/entity.ts";
import type { Sources } from "./context.ts";
import { fromCursor, toCursor } from "./cursor.ts";
import { type DeliveryReader, type DeliveryRow, handlerRows, makeDeliveryReader, untouched } from "./deliveries.ts";
import { type HandlerRow, holds, type LaneRow, stuckCalls, whyHandlerStands } from "./lane-state.ts";
import { rowsAtOnce } from "./ways.ts";

interface EntityRow {
  readonly id: number;
  readonly stream: string;
  readonly revision: number;
  readonly recorded_ms: number;
}

/** Entities that one page looks at, at most: a page may be shorter than its limit, and `nextCursor` then goes on behind them. */
const rowsPerPage = 50_000;
const callGoesOn = (revision: number | undefined) =>
  `the call of revision ${revision} goes on although its time-out is over: nothing of the lane starts until it ends, or the process does`;
const catchesUp = "the lane catches up from its own stream";

export function makeEntityQueries(sources: Sources): EntityReads {
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
    // A tenant that has few of many entities: all of them, in place of those of others.
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

function wantingHandlers({ db }: Sources, { handlers, wants }: DeliveryReader, entity: number): readonly HandlerRow[] {
  const types = db().all<{ type: string; position: number }>("select type, position from entity_types where entity = ?", entity);
  return handlers.filter(({ name }) => types.some(({ type, position }) => wants(name, type, position)));
}

async function entityView(sources: Sources, reader: DeliveryReader, row: EntityRow, turns: Turns): Promise<EntityView> {
  const { tenant, entity } = parseStreamName(row.stream)!;
  const handlers: LaneView[] = [];
  for (const handler of wantingHandlers(sources, reader, row.id)) handlers.push(await laneView(sources, reader, row, handler, turns));
  return { entity, tenant, revision: row.revision, lastEventAt: toIso(row.recorded_ms), handlers };
}

/** Deliveries of a lane that are in trouble: how many, and the first. Records of types that the handler wants no more, or of events that no view ever saw, do not count. */
async function troubledIn(
  { db }: Sources,
  handler: string,
  entity: number,
  turns: Turns,
): Promise<{ readonly count: number; readonly first: DeliveryRow | undefined }> {
  const wanted = `from deliveries d join events e not indexed on e.position = d.position and e.entity = d.entity and e.revision = d.revision
      join temp.wanted w on w.handler = d.handler and w.type = e.type and w.since < e.position
    where d.entity = ? and d.revision > ? and d.revision <= ? and d.handler = ? and d.status in ('failed', 'dead_lettered', 'escalated')`;
  let count = 0;
  let first: DeliveryRow | undefined;
  for (let after = -1; ; ) {
    if (turns.due()) await turns.next();
    const { rows, last } = db().get<{ rows: number; last: number | null }>(
      `select count(*) as rows, max(revision) as last from (select revision from deliveries where entity = ? and revision > ? order by revision limit ${rowsAtOnce})`,
      entity,
      after,
    )!;
    if (last === null) return { count, first };
    const part = [entity, after, last, handler] as const;
    count += db().get<{ found: number }>(`select count(*) as found ${wanted}`, ...part)!.found;
    if (count > 0) first ??= db().get<DeliveryRow>(`select d.* ${wanted} order by d.revision limit 1`, ...part);
    if (rows < rowsAtOnce) return { count, first };
    after = last;
  }
}

async function laneView(sources: Sources, reader: DeliveryReader, { id, stream, revision }: EntityRow, handler: HandlerRow, turns: Turns): Promise<LaneView> {
  const lane = reader.lanes(id).get(handler.name);
  const { count: troubled, first: trouble } = await troubledIn(sources, handler.name, id, turns);
  const { count, first } = await untouched(sources, handler, lane, id, 1, turns);
  const state = reader.state(handler, id, stream);
  const next = first[0];
  const headIsTrouble = trouble !== undefined && (next === undefined || trouble.revision < next.revision);
  const running = (at: number, otherwise: DeliveryStatus): DeliveryStatus => (reader.isRunning(handler.name, stream, at) ? "processing" : otherwise);
  const head: LaneView["head"] = headIsTrouble
    ? {
        eventId: trouble.event_id,
        revision: trouble.revision,
        status: running(trouble.revision, trouble.status),
        error: trouble.error_type === null ? null : { type: trouble.error_type, message: trouble.error_message ?? "" },
        nextAttemptAt: reader.nextAttemptAt(handler, id, stream, trouble),
      }
    : next
      ? {
          eventId: next.id,
          revision: next.revision,
          status: running(next.revision, lane !== undefined && holds(handler.ordering, lane) ? "held" : "pending"),
          error: null,
          nextAttemptAt: null,
        }
      : null;
  return {
    handler: handler.name,
    laneState: state,
    why:
      state === "stuck"
        ? callGoesOn(stuckCalls(sources, handler.name).get(stream))
        : (describe(state, lane, trouble) ?? whyHandlerStands(handler, sources.running.condition(handler.name)) ?? (state === "behind" ? catchesUp : null)),
    nextRevision: lane?.detached === 1 ? lane.next : (next?.revision ?? revision + 1),
    waiting: count + troubled,
    head,
  };
}

function describe(state: LaneView["laneState"], lane: LaneRow | undefined, trouble: DeliveryRow | undefined): string | null {
  switch (state) {
    case "paused":
      return lane?.paused === 1 ? `paused by ${lane.paused_by}${lane.paused_reason === null ? "" : `: ${lane.paused_reason}`}` : null;
    case "blocked":
      if (lane?.why === "newer_build") return `revision ${lane.next} is of a schema version newer than this build knows`;
      if (lane?.why === "LOG_DAMAGED") return `LOG_DAMAGED: ${lane.detail}`;
      return trouble === undefined
        ? "a dead letter"
        : `revision ${trouble.revision} is ${trouble.status === "failed" ? "being replayed" : trouble.status.replace("_", "-")}: ${trouble.error_type}: ${trouble.error_message}`;
    case "backing_off":
      return `revision ${lane?.next} failed and is tried again at ${lane?.retry_at}`;
    default:
      return null;
  }
}
