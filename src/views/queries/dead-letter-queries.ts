import { RepriseError } from "../../errors.ts";
import { toIso } from "../../event/clock.ts";
import { positionText, type StoredEvent } from "../../event/event.ts";
import { parseStreamName } from "../../event/names.ts";
import { makeTurns, type Turns } from "../../event/turns.ts";
import { eachEvent } from "../../log/each-event.ts";
import { makePageRoom, onePage } from "../../log/page-bytes.ts";
import type { AttemptRecord, DeadLetterCause } from "../../records/attempt.ts";
import type { DeadLetterDetail, DeadLetterView } from "../model/dead-letter.ts";
import type { HeldLane, LetterPointer } from "../model/letters-to-replay.ts";
import type { Views } from "../model/views.ts";
import { type AmendmentInForce, amendmentActs, amendmentInForce, amendmentView } from "./amendments.ts";
import { allOf, currentType, oneOf, type Sources } from "./context.ts";
import { fromCursor, toCursor } from "./cursor.ts";
import { handlerRows, laneColumns, untouched } from "./deliveries.ts";
import { liftedView } from "./event-view.ts";
import type { LaneRow } from "./lane-state.ts";
import { statsOf } from "./letter-stats.ts";
import { countLetters, countOneByOne, filterConditions, isLetter, letterPage, lettersOf, withKeys } from "./letters.ts";
import { rowsAtOnce } from "./ways.ts";

const maxOffset = 10_000;
const waitingEvents = 10;
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

/** @param from where the rows `d` come from. */
const selectLetters = (from: string) => `select d.*, (select stream from entities where id = d.entity) as stream, e.schema_version, e.recorded_ms
  from ${from} left join events e not indexed on e.position = d.position`;

const indexOf = { event_id: "deliveries d indexed by deliveries_by_event", delivery_id: "deliveries d indexed by deliveries_by_id" } as const;

/** Ids looked for by one statement. */
const idsAtOnce = 200;

export function makeDeadLetterQueries(
  sources: Sources,
): Pick<Views, "deadLetters" | "findDeadLetters" | "oldestDeadLetters" | "deadLettersOf" | "heldLanes" | "deadLettersSince" | "deadLetterStats"> {
  const { log, catalog } = sources;

  return {
    async deadLetters(filter, { limit, cursor, offset = 0, data = true }) {
      if (offset > maxOffset) throw new RepriseError("REQUEST_INVALID", `The offset goes up to ${maxOffset}: page by cursor beyond.`);
      const after = fromCursor("dead_letters", cursor, ["number", "string"]);
      const total = await countLetters(sources, filter);
      const { rows: shown, nextCursor } =
        total === 0 ? { rows: [], nextCursor: null } : await letterPage<LetterRow>(sources, filter, { select: selectLetters, limit, after, offset });
      const waiting = makeWaiting(sources);
      const behind: number[] = [];
      for (const row of shown) behind.push((await waiting(row, 0)).count);
      return onePage(async () => {
        const room = makePageRoom();
        const events: DeadLetterView[] = [];
        const stored = data ? eachEvent(log, filter.tenant, shown, ({ event_id }) => event_id) : unread(shown);
        for await (const { row, event } of stored) {
          const amendment = amendmentInForce(sources, row);
          const read = data ? { event: await asAmended(event, amendment) } : null;
          const view = letterView(sources, row, { waiting: behind[events.length]!, read, amendment });
          if (!room.takes(view)) {
            const last = shown[events.length - 1]!;
            return { events, total, nextCursor: toCursor("dead_letters", last.position, last.handler) };
          }
          events.push(view);
        }
        return { events, total, nextCursor };
      });
    },

    async findDeadLetters(tenant, id) {
      const found = (column: "event_id" | "delivery_id") =>
        sources
          .db()
          .all<LetterRow>(`${selectLetters(indexOf[column])} where d.${column} = ? and d.tenant = ? and ${isLetter.sql} order by d.handler`, id, tenant);
      const byEvent = found("event_id");
      const rows = byEvent.length > 0 ? byEvent : found("delivery_id");
      const waiting = makeWaiting(sources);
      const behind: Awaited<ReturnType<typeof waiting>>[] = [];
      for (const row of rows) behind.push(await waiting(row, waitingEvents));
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
      // All are of one event.
      const original = rows.length === 0 ? undefined : (await log.findByIds(tenant, [rows[0]!.event_id]))[0];
      const letters: DeadLetterDetail[] = [];
      for (const [index, row] of rows.entries()) {
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
      const pointers: LetterPointer[] = [];
      for await (const { keys } of lettersOf(sources, filter, "up")) {
        const rows = sources
          .db()
          .all<LetterRow>(
            `${selectLetters(withKeys(keys.sql))} where ${sql} order by d.position, d.handler limit ?`,
            ...keys.parameters,
            ...parameters,
            limit - pointers.length,
          );
        for (const row of rows) pointers.push(toPointer(row));
        if (pointers.length >= limit) break;
      }
      return pointers;
    },

    async deadLettersOf(tenant, ids) {
      const turns = makeTurns();
      const letters = new Map<string, LetterRow>();
      let notDeadLettered = 0;
      let unknown = 0;
      for (let from = 0; from < ids.length; from += idsAtOnce) {
        if (turns.due()) await turns.next();
        const part = ids.slice(from, from + idsAtOnce);
        const wanted = JSON.stringify(part);
        const db = sources.db();
        const found = new Set<string>();
        for (const column of ["event_id", "delivery_id"] as const)
          for (const row of db.all<LetterRow>(
            `${selectLetters(`json_each(?) w cross join ${indexOf[column]} on d.${column} = w.value`)} where d.tenant = ? and ${isLetter.sql}`,
            wanted,
            tenant,
          )) {
            found.add(row[column]);
            letters.set(row.delivery_id, row);
          }
        const others = part.filter((id) => !found.has(id));
        const { known } = db.get<{ known: number }>(
          `select count(*) as known from json_each(?) w where exists (select 1 from events e indexed by events_by_id where e.id = w.value and e.tenant = ?)
             or exists (select 1 from deliveries d indexed by deliveries_by_id where d.delivery_id = w.value and d.tenant = ?)`,
          JSON.stringify(others),
          tenant,
          tenant,
        )!;
        notDeadLettered += known;
        unknown += others.length - known;
      }
      const ordered = [...letters.values()].sort((a, b) => a.position - b.position || (a.handler < b.handler ? -1 : 1));
      return { letters: ordered.map(toPointer), notDeadLettered, unknown };
    },

    async heldLanes(lanes) {
      const handlers = new Map(handlerRows(sources).map((handler) => [handler.name, handler]));
      const turns = makeTurns();
      const held: HeldLane[] = [];
      for (const { handler: name, stream } of lanes) {
        if (turns.due()) await turns.next();
        const handler = handlers.get(name);
        const entity = sources.db().get<{ id: number }>("select id from entities where stream = ?", stream)?.id ?? -1;
        const ordering = handler?.ordering ?? "strict";
        // Under `relaxed` a dead letter holds nothing, and a lane may have 100,000.
        const letters = ordering === "strict" ? await lettersIn(sources, entity, name, turns) : [];
        const behind = handler?.ordering === "strict" ? (await untouched(sources, handler, laneRow(sources, entity, name), entity, 0, turns)).count : 0;
        held.push({ held: behind, through: behind === 0 ? null : lastWanted(sources, entity, name), letters, ordering });
      }
      return held;
    },

    async deadLettersSince(filter, handlers, position, replayId) {
      if (handlers.length === 0) return 0;
      return countOneByOne(sources, filter, [
        oneOf("d.handler", handlers),
        { sql: "d.dead_lettered_position > ? and coalesce(d.replay_id, '') <> ?", parameters: [Number(position), replayId] },
      ]);
    },

    deadLetterStats: (filter) =>
      sources.atOneMoment((at) => {
        const waiting = makeWaiting(at);
        return statsOf(at, filter, async (lane) => (await waiting(lane, 0)).count);
      }),
  };
}

type Held = Awaited<ReturnType<typeof untouched>>;

/** Events held behind the dead letters of a lane: a relaxed handler holds none. Counted once for each lane. */
function makeWaiting(sources: Sources) {
  const handlers = new Map(handlerRows(sources).map((handler) => [handler.name, handler]));
  const known = new Map<string, Held>();
  const turns = makeTurns();
  return async ({ handler, entity }: { readonly handler: string; readonly entity: number }, limit: number): Promise<Held> => {
    const row = handlers.get(handler);
    if (row?.ordering !== "strict") return { count: 0, first: [] };
    const key = `${handler}\n${entity}`;
    if (turns.due()) await turns.next();
    const held = known.get(key) ?? (await untouched(sources, row, laneRow(sources, entity, handler), entity, limit, turns));
    known.set(key, held);
    return held;
  };
}

/** Revisions of a lane's dead letters, in order. */
async function lettersIn({ db }: Sources, entity: number, handler: string, turns: Turns): Promise<readonly number[]> {
  const all: number[] = [];
  for (let after = -1; ; ) {
    if (turns.due()) await turns.next();
    const rows = db().all<{ revision: number; mine: 0 | 1 }>(
      `select revision, (handler = ? and letter = 1) as mine from deliveries where entity = ? and revision > ? order by revision limit ${rowsAtOnce}`,
      handler,
      entity,
      after,
    );
    for (const { revision, mine } of rows) if (mine === 1) all.push(revision);
    if (rows.length < rowsAtOnce) return all;
    // Of the last one not all handlers may have been seen.
    after = rows.at(-1)!.revision - 1;
    while (all.at(-1)! > after) all.pop();
  }
}

/** Revision of the entity's last event that the handler wants. */
function lastWanted({ db }: Sources, entity: number, handler: string): number | null {
  const { position } = db().get<{ position: number | null }>(
    `select max(t.position) as position from entity_types t join temp.wanted w on w.handler = ? and w.type = t.type and w.since < t.position where t.entity = ?`,
    handler,
    entity,
  )!;
  if (position === null) return null;
  return db().get<{ revision: number }>("select revision from events where position = ?", position)?.revision ?? null;
}

function laneRow({ db }: Sources, entity: number, handler: string): LaneRow | undefined {
  return db().get<LaneRow>(`select ${laneColumns} from lanes where entity = ? and handler = ?`, entity, handler);
}

function toPointer({ handler, stream, revision, position, event_id, type, attempts, error_type, error_message }: LetterRow): LetterPointer {
  return {
    handler,
    stream,
    revision,
    position: positionText(BigInt(position)),
    eventId: event_id,
    type,
    attempts,
    error: { type: error_type, message: error_message },
  };
}

/** Rows without their events: no payload was asked for. */
async function* unread(rows: readonly LetterRow[]): AsyncGenerator<{ readonly row: LetterRow; readonly event: undefined }, void> {
  for (const row of rows) yield { row, event: undefined };
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
    position: positionText(BigInt(row.position)),
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
