import { setImmediate as nextTurn } from "node:timers/promises";
import { toIso } from "../../event/clock.ts";
import { parseStreamName, streamName } from "../../event/names.ts";
import type { DeliveryStatus, EntityFilterOptions, EntityView, LaneView, Views } from "../model.ts";
import type { Sources } from "./context.ts";
import { fromCursor, toCursor } from "./cursor.ts";
import { type DeliveryReader, type DeliveryRow, handlerRows, makeDeliveryReader, untouched } from "./deliveries.ts";
import { type HandlerRow, holds, type LaneRow, stuckCalls, whyHandlerStands } from "./lane-state.ts";

interface EntityRow {
  readonly id: number;
  readonly stream: string;
  readonly revision: number;
  readonly recorded_ms: number;
}

/** Entities that one page looks at, at most: a page may be shorter than its limit, and `nextCursor` then goes on behind them. */
const rowsPerPage = 50_000;
const rowsPerTurn = 500;
const callGoesOn = (revision: number | undefined) =>
  `the call of revision ${revision} goes on although its time-out is over: nothing of the lane starts until it ends, or the process does`;
const catchesUp = "the lane catches up from its own stream";

export function makeEntityQueries(sources: Sources): Pick<Views, "entity" | "entities"> {
  return {
    async entity(tenant, entity) {
      const row = sources
        .db()
        .get<EntityRow>("select id, stream, revision, recorded_ms from entities where stream = ? and revision >= 0", streamName(tenant, entity));
      return row && entityView(sources, makeDeliveryReader(sources), row);
    },

    async entities(filter, { limit, cursor }) {
      let after = fromCursor("entities", cursor, ["number"])?.[0] ?? 0;
      const entities: EntityView[] = [];
      for (let looked = 0; looked < rowsPerPage; looked += rowsPerTurn) {
        const rows = nextEntities(sources, filter, after);
        const reader = makeDeliveryReader(sources);
        for (const row of rows) {
          const matches = matchesLane(sources, reader, row, filter);
          if (matches && entities.length === limit) return { entities, nextCursor: toCursor("entities", after) };
          if (matches) entities.push(entityView(sources, reader, row));
          after = row.id;
        }
        if (rows.length < rowsPerTurn) return { entities, nextCursor: null };
        await nextTurn();
      }
      return { entities, nextCursor: toCursor("entities", after) };
    },
  };
}

/** In the order of their first events. Lanes that do not flow have rows, which are fewer than entities. */
function nextEntities(sources: Sources, { tenant, entityType, laneState, handler }: EntityFilterOptions, after: number): readonly EntityRow[] {
  const { db } = sources;
  const ofType = entityType === undefined ? [] : [entityType];
  const byLane = laneState !== undefined && laneState !== "flowing" && laneState !== "stuck" && !standsStill(sources, handler);
  const from = byLane
    ? `(select distinct entity from lanes where entity > ? ${handler === undefined ? "" : "and handler = ?"} order by entity) l cross join entities n on n.id = l.entity where true`
    : "entities n where n.id > ?";
  return db().all<EntityRow>(
    `select n.id, n.stream, n.revision, n.recorded_ms from ${from} and n.tenant = ? ${entityType === undefined ? "" : "and n.type = ?"}
       and n.revision >= 0 order by n.id limit ?`,
    after,
    ...(byLane && handler !== undefined ? [handler] : []),
    tenant,
    ...ofType,
    rowsPerTurn,
  );
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

function entityView(sources: Sources, reader: DeliveryReader, row: EntityRow): EntityView {
  const { tenant, entity } = parseStreamName(row.stream)!;
  return {
    entity,
    tenant,
    revision: row.revision,
    lastEventAt: toIso(row.recorded_ms),
    handlers: wantingHandlers(sources, reader, row.id).map((handler) => laneView(sources, reader, row, handler)),
  };
}

function laneView(sources: Sources, reader: DeliveryReader, { id, stream, revision }: EntityRow, handler: HandlerRow): LaneView {
  const lane = reader.lanes(id).get(handler.name);
  const troubled = sources
    .db()
    .all<DeliveryRow>(
      "select * from deliveries where entity = ? and handler = ? and status in ('failed', 'dead_lettered', 'escalated') order by revision",
      id,
      handler.name,
    )
    .filter(({ position, revision }) => isWantedRow(sources, handler.name, id, position, revision));
  const { count, first } = untouched(sources, handler, lane, id, 1);
  const state = reader.state(handler, id, stream);
  const trouble = troubled[0];
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
    waiting: count + troubled.length,
    head,
  };
}

/** Records of types that the handler wants no more, or of events that no view ever saw, do not count. */
function isWantedRow({ db }: Sources, handler: string, entity: number, position: number, revision: number): boolean {
  return (
    db().get(
      `select 1 from events e join temp.wanted w on w.handler = ? and w.type = e.type and w.since < e.position where e.position = ? and e.entity = ? and e.revision = ?`,
      handler,
      position,
      entity,
      revision,
    ) !== undefined
  );
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
