import { setImmediate as nextTurn } from "node:timers/promises";
import type { AttemptRecord, DeadLetterCause } from "../../delivery/journal-events.ts";
import { RepriseError } from "../../errors.ts";
import { toIso } from "../../event/clock.ts";
import type { StoredEvent } from "../../event/event.ts";
import { parseStreamName } from "../../event/names.ts";
import type { DeadLetterDetail, DeadLetterFilter, DeadLetterView, HeldLane, LetterPointer, Views } from "../model.ts";
import { type AmendmentInForce, amendmentActs, amendmentInForce, amendmentView } from "./amendments.ts";
import { allOf, type Condition, currentType, oneOf, type Sources, storedTypes } from "./context.ts";
import { fromCursor, toCursor } from "./cursor.ts";
import { type EventKey, handlerRows, laneColumns, untouched } from "./deliveries.ts";
import { above, newestFirst } from "./entity-events.ts";
import { liftedView, readEvents } from "./event-view.ts";
import type { HandlerRow, LaneRow } from "./lane-state.ts";

const maxOffset = 10_000;
const topErrors = 10;
const waitingEvents = 10;
const lanesPerTurn = 200;
const eventRemoved = "event removed from the log";

interface LetterRow {
  readonly entity: number;
  readonly stream: string;
  readonly revision: number;
  readonly handler: string;
  readonly position: number;
  readonly event_id: string;
  readonly delivery_id: string;
  readonly tenant: string;
  readonly type: string;
  readonly source: string | null;
  readonly status: "dead_lettered" | "escalated";
  readonly attempts: number;
  readonly retry_count: number;
  readonly cause: DeadLetterCause;
  readonly error_type: string;
  readonly error_message: string;
  readonly replay_id: string | null;
  readonly first_failed_at: string;
  readonly dead_lettered_at: string;
  readonly part: number | null;
  readonly schema_version: number | null;
  readonly recorded_ms: number | null;
}

/** Dead letters under a replay that waits for its retry are `failed` meanwhile: in no list. */
const isLetter: Condition = { sql: "d.letter = 1 and d.status <> 'failed'", parameters: [] };

const selectLetters = `select d.*, (select stream from entities where id = d.entity) as stream, e.schema_version, e.recorded_ms
  from deliveries d left join events e on e.position = d.position`;

export function makeDeadLetterQueries(
  sources: Sources,
): Pick<Views, "deadLetters" | "findDeadLetters" | "oldestDeadLetters" | "deadLettersOf" | "heldLanes" | "deadLettersSince" | "deadLetterStats"> {
  const { log, catalog } = sources;

  return {
    async deadLetters(filter, { limit, cursor, offset = 0, data = true }) {
      if (offset > maxOffset) throw new RepriseError("REQUEST_INVALID", `The offset goes up to ${maxOffset}: page by cursor beyond.`);
      const db = sources.db();
      const after = fromCursor("dead_letters", cursor, ["number", "string"]);
      const matching = allOf(filterConditions(sources, filter));
      const page = allOf([matching, ...(after === null ? [] : [{ sql: "(d.position, d.handler) < (?, ?)", parameters: after }])]);
      const rows = db.all<LetterRow>(
        `${selectLetters} where ${page.sql} order by d.position desc, d.handler desc limit ? offset ?`,
        ...page.parameters,
        limit + 1,
        offset,
      );
      const total = countLetters(sources, filter);
      const shown = rows.slice(0, limit);
      const waiting = makeWaiting(sources);
      const behind = shown.map((row) => waiting(row, 0).count);
      const amended = shown.map((row) => amendmentInForce(sources, row));
      const stored = data
        ? await readEvents(
            log,
            filter.tenant,
            shown.map(({ event_id }) => event_id),
          )
        : null;
      const last = shown.at(-1);
      const events: DeadLetterView[] = [];
      for (const [index, row] of shown.entries()) {
        const amendment = amended[index]!;
        const read = stored === null ? null : { event: await asAmended(stored.get(row.event_id), amendment) };
        events.push(letterView(sources, row, { waiting: behind[index]!, read, amendment }));
      }
      return {
        events,
        total,
        nextCursor: rows.length > limit && last ? toCursor("dead_letters", last.position, last.handler) : null,
      };
    },

    async findDeadLetters(tenant, id) {
      const found = (column: string) =>
        sources.db().all<LetterRow>(`${selectLetters} where d.${column} = ? and d.tenant = ? and ${isLetter.sql} order by d.handler`, id, tenant);
      const byEvent = found("event_id");
      const rows = byEvent.length > 0 ? byEvent : found("delivery_id");
      const waiting = makeWaiting(sources);
      const behind = rows.map((row) => waiting(row, waitingEvents));
      const amended = rows.map((row) => ({ inForce: amendmentInForce(sources, row), acts: amendmentActs(sources.db(), row) }));
      const histories = rows.map(({ entity, revision, handler }) =>
        sources
          .db()
          .all<{ record: string }>(
            "select record from attempts where entity = ? and revision = ? and handler = ? order by position desc",
            entity,
            revision,
            handler,
          )
          .map(({ record }) => JSON.parse(record) as AttemptRecord),
      );
      const stored = await readEvents(
        log,
        tenant,
        rows.map(({ event_id }) => event_id),
      );
      const letters: DeadLetterDetail[] = [];
      for (const [index, row] of rows.entries()) {
        const original = stored.get(row.event_id);
        const { inForce, acts } = amended[index]!;
        const event = await asAmended(original, inForce);
        const { count, first } = behind[index]!;
        letters.push({
          ...letterView(sources, row, { waiting: count, read: { event }, amendment: inForce }),
          stored: original ? { type: original.type, schemaVersion: original.schemaVersion, data: original.data } : null,
          amendment: inForce && original && event ? amendmentView(inForce.act, original.data, event.data) : null,
          amendments: acts,
          steps: event ? catalog.steps(event) : [],
          waitingEvents: first.map(({ id, type, revision, recorded_ms }) => ({
            id,
            type: currentType(catalog, type),
            revision,
            recordedAt: toIso(recorded_ms),
          })),
          history: histories[index]!,
        });
      }
      return letters;
    },

    async oldestDeadLetters(filter, limit) {
      const { sql, parameters } = allOf(filterConditions(sources, filter));
      return sources
        .db()
        .all<LetterRow>(`${selectLetters} where ${sql} order by d.position, d.handler limit ?`, ...parameters, limit)
        .map(toPointer);
    },

    async deadLettersOf(tenant, ids) {
      const db = sources.db();
      const wanted = JSON.stringify(ids);
      const rows = db.all<LetterRow>(
        `${selectLetters} where d.tenant = ? and ${isLetter.sql}
           and (d.event_id in (select value from json_each(?)) or d.delivery_id in (select value from json_each(?)))`,
        tenant,
        wanted,
        wanted,
      );
      const found = new Set(rows.flatMap(({ event_id, delivery_id }) => [event_id, delivery_id]));
      const others = ids.filter((id) => !found.has(id));
      const { known } = db.get<{ known: number }>(
        `select count(*) as known from json_each(?) w where exists (select 1 from events e where e.id = w.value and e.tenant = ?)
           or exists (select 1 from deliveries d where d.delivery_id = w.value and d.tenant = ?)`,
        JSON.stringify(others),
        tenant,
        tenant,
      )!;

      const ordered = [...rows].sort((a, b) => a.position - b.position || (a.handler < b.handler ? -1 : 1));
      return { letters: ordered.map(toPointer), notDeadLettered: known, unknown: others.length - known };
    },

    async heldLanes(lanes) {
      const handlers = new Map(handlerRows(sources).map((handler) => [handler.name, handler]));
      const held: HeldLane[] = [];
      for (const [index, { handler: name, stream }] of lanes.entries()) {
        if (index % lanesPerTurn === lanesPerTurn - 1) await nextTurn();
        const db = sources.db();
        const handler = handlers.get(name);
        const entity = db.get<{ id: number }>("select id from entities where stream = ?", stream)?.id ?? -1;
        const letters = db
          .all<{ revision: number }>("select revision from deliveries where entity = ? and handler = ? and letter = 1 order by revision", entity, name)
          .map(({ revision }) => revision);
        const behind = handler?.ordering === "strict" ? untouched(sources, handler, laneRow(sources, entity, name), entity, 0).count : 0;
        const last = db.get<{ revision: number }>(
          `${newestFirst} select e.revision from walk cross join events e on e.position = walk.position
             join temp.wanted w on w.handler = ? and w.type = e.type and w.since < e.position limit 1`,
          JSON.stringify([entity]),
          above,
          above,
          name,
        );
        held.push({ held: behind, through: behind === 0 ? null : (last?.revision ?? null), letters, ordering: handler?.ordering ?? "strict" });
      }
      return held;
    },

    async deadLettersSince(filter, handlers, position, replayId) {
      if (handlers.length === 0) return 0;
      const { sql, parameters } = allOf([
        ...filterConditions(sources, filter),
        oneOf("d.handler", handlers),
        { sql: "d.dead_lettered_position > ? and coalesce(d.replay_id, '') <> ?", parameters: [Number(position), replayId] },
      ]);
      return sources.db().get<{ count: number }>(`select count(*) as count from deliveries d where ${sql}`, ...parameters)!.count;
    },

    async deadLetterStats(filter) {
      const db = sources.db();
      const { from, sql, parameters, letters } = counted(sources, filter);
      const group = <Row>(columns: string, rest: string) =>
        db.all<Row>(`select ${columns}, ${letters} as count from ${from} where ${sql} ${rest}`, ...parameters).map((row) => ({ ...row }));
      const matching = allOf(filterConditions(sources, filter));
      const oldest = db.get<{ dead_lettered_at: string }>(
        `select d.dead_lettered_at from deliveries d where ${matching.sql} order by d.dead_lettered_at limit 1`,
        ...matching.parameters,
      );
      // Relaxed handlers hold nothing behind their dead letters, and may have a million of them.
      const strict = handlerRows(sources).filter(({ ordering }) => ordering === "strict");
      const holding =
        strict.length === 0
          ? []
          : lanesOf(
              db,
              allOf([
                matching,
                oneOf(
                  "d.handler",
                  strict.map(({ name }) => name),
                ),
              ]),
            );
      const waiting = makeWaiting(sources);
      const types = new Map<string, number>();
      for (const row of group<{ type: string; count: number }>("type", "group by type")) {
        const type = currentType(catalog, row.type);
        types.set(type, (types.get(type) ?? 0) + row.count);
      }
      return {
        total: countLetters(sources, filter),
        waiting: holding.reduce((sum, lane) => sum + waiting(lane, 0).count, 0),
        oldestAt: oldest?.dead_lettered_at ?? null,
        byEventType: [...types].map(([eventType, count]) => ({ eventType, count })).sort((a, b) => b.count - a.count || (a.eventType < b.eventType ? -1 : 1)),
        byHandler: group<{ handler: string; count: number }>("handler", "group by 1 order by 2 desc, 1"),
        bySource: group<{ source: string | null; count: number }>(
          from.startsWith("letter_counts") ? "iif(has_source, source, null) as source" : "source",
          "group by 1 order by 2 desc, 1",
        ),
        topErrors: group<{ error: string; count: number }>("error_type || ': ' || error_message as error", `group by 1 order by 2 desc, 1 limit ${topErrors}`),
      };
    },
  };
}

const lanesOf = (db: ReturnType<Sources["db"]>, { sql, parameters }: Condition) =>
  db.all<{ handler: string; entity: number }>(`select distinct d.handler, d.entity from deliveries d where ${sql}`, ...parameters);

/** Where dead letters are counted: by their kinds, where the filter allows it, else one by one. */
function counted(sources: Sources, filter: DeadLetterFilter): Condition & { readonly from: string; readonly letters: string } {
  const { entityId, replayId, sinceMs, untilMs } = filter;
  const byKind = entityId === undefined && replayId === undefined && sinceMs === undefined && untilMs === undefined;
  if (byKind) return { from: "letter_counts d", letters: "sum(letters)", ...allOf(kindConditions(sources, filter)) };
  return { from: "deliveries d", letters: "count(*)", ...allOf(filterConditions(sources, filter)) };
}

function countLetters(sources: Sources, filter: DeadLetterFilter): number {
  const { from, letters, sql, parameters } = counted(sources, filter);
  return sources.db().get<{ total: number | null }>(`select ${letters} as total from ${from} where ${sql}`, ...parameters)!.total ?? 0;
}

/** What dead letters are alike in, as `letter_counts` has it, too. */
function kindConditions(sources: Sources, filter: DeadLetterFilter): Condition[] {
  const { catalog } = sources;
  const conditions: Condition[] = [oneOf("d.tenant", [filter.tenant])];
  const equal = (column: string, value: string | undefined) => {
    if (value !== undefined) conditions.push(oneOf(column, [value]));
  };
  if (filter.eventType !== undefined) conditions.push(oneOf("d.type", storedTypes(catalog, filter.eventType)));
  equal("d.source", filter.source);
  equal("d.handler", filter.handler);
  equal("d.entity_type", filter.entityType);
  equal("d.cause", filter.cause);
  if (filter.error !== undefined) conditions.push(errorCondition(sources, filter.tenant, filter.error));
  return conditions;
}

/** `<type>` or `<type>: <message>`, as columns that an index has: where a type ends is known from what there is. */
function errorCondition(sources: Sources, tenant: string, error: string): Condition {
  const found = sources
    .db()
    .all<{ error_type: string; error_message: string }>(
      "select distinct error_type, error_message from letter_counts where tenant = ? and error_type || ': ' || error_message = ?",
      tenant,
      error,
    );
  const exact = found.map(({ error_type, error_message }) => ({ sql: "(d.error_type = ? and d.error_message = ?)", parameters: [error_type, error_message] }));
  const conditions: readonly Condition[] = [{ sql: "d.error_type = ?", parameters: [error] }, ...exact];
  return { sql: `(${conditions.map(({ sql }) => sql).join(" or ")})`, parameters: conditions.flatMap(({ parameters }) => parameters) };
}

function filterConditions(sources: Sources, filter: DeadLetterFilter): readonly Condition[] {
  const { db } = sources;
  const conditions: Condition[] = [isLetter, ...kindConditions(sources, filter)];
  if (filter.replayId !== undefined) conditions.push(oneOf("d.replay_id", [filter.replayId]));
  if (filter.entityId !== undefined) {
    const entities = db().all<{ id: number }>("select id from entities where tenant = ? and entity = ?", filter.tenant, filter.entityId);
    conditions.push(
      entities.length === 0
        ? { sql: "false", parameters: [] }
        : oneOf(
            "d.entity",
            entities.map(({ id }) => id),
          ),
    );
  }
  // Times of the log are written alike, so that they compare as text. The plus keeps their index out: pages are in the order of positions.
  if (filter.sinceMs !== undefined) conditions.push({ sql: "+d.dead_lettered_at >= ?", parameters: [toIso(filter.sinceMs)] });
  if (filter.untilMs !== undefined) conditions.push({ sql: "+d.dead_lettered_at < ?", parameters: [toIso(filter.untilMs)] });
  return conditions;
}

/** Events held behind the dead letters of a lane: a relaxed handler holds none. Counted once for each lane. */
function makeWaiting(sources: Sources) {
  const handlers = new Map(handlerRows(sources).map((handler) => [handler.name, handler]));
  const known = new Map<string, ReturnType<typeof untouched>>();
  return ({ handler, entity }: { readonly handler: string; readonly entity: number }, limit: number) => {
    const key = `${handler}\n${entity}`;
    const held = known.get(key) ?? heldIn(sources, handlers.get(handler), entity, limit);
    known.set(key, held);
    return held;
  };
}

function heldIn(sources: Sources, handler: HandlerRow | undefined, entity: number, limit: number): ReturnType<typeof untouched> {
  const none: readonly (EventKey & { readonly recorded_ms: number })[] = [];
  if (handler?.ordering !== "strict") return { count: 0, first: none };
  return untouched(sources, handler, laneRow(sources, entity, handler.name), entity, limit);
}

function laneRow({ db }: Sources, entity: number, handler: string): LaneRow | undefined {
  return db().get<LaneRow>(`select ${laneColumns} from lanes where entity = ? and handler = ?`, entity, handler);
}

function toPointer({ handler, stream, revision, position, event_id, type, attempts, error_type, error_message }: LetterRow): LetterPointer {
  return {
    handler,
    stream,
    revision,
    position: BigInt(position),
    eventId: event_id,
    type,
    attempts,
    error: { type: error_type, message: error_message },
  };
}

/** The event as the next delivery of the letter would have it. */
async function asAmended(event: StoredEvent | undefined, amendment: AmendmentInForce | null): Promise<StoredEvent | undefined> {
  return event === undefined || amendment === null ? event : { ...event, data: await amendment.data() };
}

/** @param read null: the data was not asked for. */
function letterView(
  { catalog }: Sources,
  row: LetterRow,
  {
    waiting,
    read,
    amendment,
  }: { readonly waiting: number; readonly read: { readonly event: StoredEvent | undefined } | null; readonly amendment: AmendmentInForce | null },
): DeadLetterView {
  const storedSchemaVersion = row.schema_version ?? 1;
  const lifted = read?.event && liftedView(catalog, read.event);
  const part = row.part === null ? undefined : lifted?.parts?.[row.part];
  return {
    id: row.event_id,
    deliveryId: row.delivery_id,
    handler: row.handler,
    tenant: row.tenant,
    stream: row.stream,
    position: BigInt(row.position),
    entity: parseStreamName(row.stream)?.entity ?? { type: "", id: "" },
    eventType: part?.type ?? currentType(catalog, row.type),
    source: row.source,
    revision: row.revision,
    schemaVersion: part?.schemaVersion ?? lifted?.schemaVersion ?? catalog.describe(row.type)?.current ?? storedSchemaVersion,
    storedSchemaVersion,
    data: part?.data ?? lifted?.data ?? null,
    part: row.part,
    parts: lifted?.parts ?? null,
    dropped: lifted?.dropped ?? null,
    dataError: lifted ? lifted.dataError : read === null ? null : eventRemoved,
    amendedAt: amendment?.act.at ?? null,
    status: row.status,
    cause: row.cause,
    error: { type: row.error_type, message: row.error_message },
    attempts: row.attempts,
    retryCount: row.retry_count,
    waiting,
    replayId: row.replay_id,
    createdAt: row.recorded_ms === null ? row.first_failed_at : toIso(row.recorded_ms),
    firstFailedAt: row.first_failed_at,
    deadLetteredAt: row.dead_lettered_at,
  };
}
