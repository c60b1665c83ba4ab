import { deliveryId, partId } from "../../event/ids.ts";
import type { AttemptRecord } from "../../records/attempt.ts";
import type { JournalData } from "../../records/journal.ts";
import type { ViewDatabase } from "../database.ts";
import { entityOf } from "../entity-keys.ts";
import type { DeliveryStatus } from "../model/delivery.ts";
import type { Projection } from "../projection.ts";

/** Attempts kept for each delivery: the newest. */
const keptAttempts = 50;

/** Dead letters under a replay that waits for its retry are `failed` meanwhile: in no list. */
const isLetter = (row: "old" | "new") => `${row}.letter = 1 and ${row}.status <> 'failed'`;
const alike = (row: "old" | "new") =>
  [
    ...["tenant", "handler", "entity_type", "type", "cause", "error_type", "error_message"].map((column) => `${column} = ${row}.${column}`),
    `has_source = (${row}.source is not null) and source = ifnull(${row}.source, '')`,
  ].join(" and ");

/**
 * Deliveries that had trouble, dead letters among them, with their attempts. What went well has no row.
 * `letter` is 1 from the dead letter until its final outcome; its status is `failed` while a replay of it waits for a retry.
 */
export const deliveries: Projection = {
  tables: `
    create table deliveries(
      entity integer not null, revision integer not null, handler text not null, position integer not null, event_id text not null, delivery_id text not null,
      tenant text not null, entity_type text not null, type text not null, source text, status text not null, letter integer not null default 0,
      escalated integer not null default 0, attempts integer not null, retry_count integer not null default 0, cause text, error_type text,
      error_message text, next_attempt_at text, replay_id text, first_failed_at text, dead_lettered_at text, dead_lettered_position integer, processed_at text, chain text,
      part integer, -- of a split event: the one that the rest is about
      primary key (entity, revision, handler)
    ) strict, without rowid;
    create index deliveries_by_status on deliveries(status, position);
    create index deliveries_by_handler on deliveries(handler, status, position, type);
    create index deliveries_by_event on deliveries(event_id);
    create index deliveries_by_id on deliveries(delivery_id);
    create index letters_by_tenant on deliveries(tenant, position, handler) where letter = 1;
    create index letters_by_handler on deliveries(handler, tenant, position) where letter = 1;
    create index letters_by_type on deliveries(tenant, type, position) where letter = 1;
    create index letters_by_source on deliveries(tenant, source, position) where letter = 1;
    create index letters_by_error on deliveries(tenant, error_type, error_message, position) where letter = 1;
    create index letters_by_time on deliveries(tenant, dead_lettered_at) where letter = 1;
    create index letters_by_replay on deliveries(replay_id, position) where letter = 1 and replay_id is not null;
    create index letters_retried on deliveries(replay_id, handler) where letter = 1 and status = 'failed';
    create index retries_by_lane on deliveries(handler, entity, revision) where status = 'failed' and letter = 0;

    -- position: that of the journal's entry.
    create table attempts(entity integer not null, revision integer not null, handler text not null, position integer not null, record text not null,
      primary key (entity, revision, handler, position)) strict, without rowid;

    -- How many dead letters are alike in what people filter and group by: counting a million of them one by one takes a second.
    create table letter_counts(
      tenant text not null, handler text not null, entity_type text not null, type text not null, has_source integer not null, source text not null,
      cause text not null, error_type text not null, error_message text not null, letters integer not null,
      primary key (tenant, handler, entity_type, type, has_source, source, cause, error_type, error_message)
    ) strict, without rowid;
    -- Of a lane: it may have 100,000, which are not counted anew for each one that comes.
    create table lane_letters(entity integer not null, handler text not null, letters integer not null, primary key (entity, handler)) strict, without rowid;
    create trigger lane_letter_comes_or_goes after update of letter on deliveries when old.letter <> new.letter begin
      insert into lane_letters values (new.entity, new.handler, 1) on conflict do update set letters = letters + new.letter - old.letter;
    end;
    create trigger letter_goes after update on deliveries when ${isLetter("old")} begin
      update letter_counts set letters = letters - 1 where ${alike("old")};
      delete from letter_counts where ${alike("old")} and letters = 0;
    end;
    create trigger letter_comes after update on deliveries when ${isLetter("new")} begin
      insert into letter_counts values (new.tenant, new.handler, new.entity_type, new.type, new.source is not null, ifnull(new.source, ''),
        new.cause, new.error_type, new.error_message, 1)
        on conflict do update set letters = letters + 1;
    end;
  `,
  apply({ db }, input) {
    if (input.kind === "replay") {
      if (input.entry.type === "replay.ended") putBack(db, "replay_id = ?", input.replayId);
      return;
    }
    if (input.kind === "handler" && input.entry.type === "handler.retired") {
      db.run(
        `update deliveries set status = 'discarded', letter = 0, next_attempt_at = null, processed_at = ?
         where handler = ? and status in ('failed', 'dead_lettered', 'escalated')`,
        input.event.recordedAt,
        input.handler,
      );
      return;
    }
    if (input.kind !== "journal") return;
    const { entry, handler, event } = input;
    const at = { handler, position: Number(event.position), recordedAt: event.recordedAt };
    switch (entry.type) {
      case "partition.claimed": // a replay that was under way asks again
        putBack(db, "handler = ?", handler);
        return;
      case "replay.stopped":
        putBack(db, "handler = ? and replay_id = ?", handler, entry.data.replayId);
        return;
      case "progress":
        completed(db, at, entry.data);
        return;
      case "lane.attached": // nothing of it is left to do; no progress names it once the checkpoint has passed it
        completeRetries(db, at, entry.data.lane, Number.MAX_SAFE_INTEGER);
        return;
      case "lane.gap":
        db.run(
          `update deliveries ${byLane} set status = 'skipped', processed_at = ?, next_attempt_at = null
           where entity = ? and revision between ? and ? and handler = ? and status = 'failed' and letter = 0`,
          at.recordedAt,
          entityOf(db, entry.data.lane).id,
          entry.data.from,
          entry.data.to,
          handler,
        );
        return;
      case "lane.retried":
        for (const [index, letter] of [
          [byLane, 0],
          ["indexed by letters_retried", 1],
        ] as const)
          db.run(
            `update deliveries ${index} set next_attempt_at = ? where entity = ? and handler = ? and status = 'failed' and letter = ${letter} and next_attempt_at > ?`,
            at.recordedAt,
            entityOf(db, entry.data.lane).id,
            handler,
            at.recordedAt,
          );
        return;
      case "delivery.part_completed":
        partCompleted(db, at, entry.data);
        return;
      case "delivery.failed":
        failed(db, at, entry.data, entry.data.retryAt, 1);
        return;
      case "delivery.deferred":
        failed(db, at, entry.data, entry.data.until, 0);
        return;
      case "delivery.dead_lettered":
        deadLettered(db, at, entry.data);
        return;
      case "delivery.settled":
        settled(db, at, entry.data);
    }
  },
};

/** The journal entry that is folded. */
interface At {
  readonly handler: string;
  readonly position: number;
  readonly recordedAt: string;
}

type About = Pick<JournalData["delivery.failed"], "lane" | "revision" | "at" | "eventId">;

interface Found {
  readonly entity: number;
  readonly status: DeliveryStatus;
  readonly letter: 0 | 1;
  readonly attempts: number;
  readonly retry_count: number;
  readonly replay_id: string | null;
}

const finalStatuses: readonly DeliveryStatus[] = ["completed", "replayed", "discarded", "skipped"];

/** The delivery's row, made when there is none; null when it has its final outcome: what comes later changes nothing. */
function openRow(db: ViewDatabase, { handler }: At, { lane, revision, at, eventId }: About, attempts: number): Found | null {
  const { id, tenant, type } = entityOf(db, lane);
  const columns = "entity, status, letter, attempts, retry_count, replay_id";
  const known = db.get<Found>(`select ${columns} from deliveries where entity = ? and revision = ? and handler = ?`, id, revision, handler);
  if (known !== undefined) return finalStatuses.includes(known.status) ? null : known;
  const event = db.get<{ type: string; source: string | null }>(
    "select type, source from events where position = ? and entity = ? and revision = ?",
    Number(at),
    id,
    revision,
  );
  return db.get<Found>(
    `insert into deliveries(entity, revision, handler, position, event_id, delivery_id, tenant, entity_type, type, source, status, attempts)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'failed', ?) returning ${columns}`,
    id,
    revision,
    handler,
    Number(at),
    eventId,
    deliveryId(handler, lane, eventId),
    tenant,
    type,
    event?.type ?? "", // removed from the log before any view saw it
    event?.source ?? null,
    attempts,
  )!;
}

function addAttempt(db: ViewDatabase, { handler, position }: At, entity: number, revision: number, record: AttemptRecord | null): void {
  if (record === null) return;
  db.run(
    "insert or replace into attempts(entity, revision, handler, position, record) values (?, ?, ?, ?, ?)",
    entity,
    revision,
    handler,
    position,
    JSON.stringify(record),
  );
  db.run(
    `delete from attempts where entity = ? and revision = ? and handler = ? and position <=
       (select position from attempts where entity = ? and revision = ? and handler = ? order by position desc limit 1 offset ${keptAttempts})`,
    entity,
    revision,
    handler,
    entity,
    revision,
    handler,
  );
}

/** Of a split event: the row is about this part now, and has the delivery id that its receiver sees. */
function aboutPart(db: ViewDatabase, { handler }: At, entity: number, { lane, revision, eventId, part }: About & { readonly part?: number }): void {
  if (part === undefined) return;
  db.run(
    "update deliveries set part = ?, delivery_id = ? where entity = ? and revision = ? and handler = ?",
    part,
    deliveryId(handler, lane, partId(eventId, part)),
    entity,
    revision,
    handler,
  );
}

/** Without a row there was no trouble, and nothing to tell. */
function partCompleted(db: ViewDatabase, at: At, data: JournalData["delivery.part_completed"]): void {
  const { id } = entityOf(db, data.lane);
  const changes = db.run(
    "update deliveries set attempts = 0, retry_count = 0, next_attempt_at = null where entity = ? and revision = ? and handler = ? and (status = 'failed' or letter = 1)",
    id,
    data.revision,
    at.handler,
  );
  if (changes === 0) return;
  addAttempt(db, at, id, data.revision, data.record);
  aboutPart(db, at, id, { ...data, part: data.part + 1 });
}

/** @param used 1 when the call counts against the retry policy, 0 when it was deferred. */
function failed(db: ViewDatabase, at: At, data: About & { readonly record: AttemptRecord; readonly part?: number }, nextAttemptAt: string, used: 0 | 1): void {
  const { revision, record } = data;
  const row = openRow(db, at, data, record.attempt - 1);
  if (row === null) return;
  const replayId = record.replayId ?? null;
  const sameRound = replayId === null || replayId === row.replay_id;
  db.run(
    `update deliveries set status = 'failed', attempts = ?, retry_count = ?, error_type = ?, error_message = ?, next_attempt_at = ?,
       replay_id = coalesce(?, replay_id), first_failed_at = coalesce(first_failed_at, ?)
     where entity = ? and revision = ? and handler = ?`,
    used === 1 ? record.attempt : row.attempts,
    (sameRound ? row.retry_count : 0) + used,
    record.error?.type ?? null,
    record.error?.message ?? null,
    nextAttemptAt,
    replayId,
    used === 1 ? at.recordedAt : null,
    row.entity,
    revision,
    at.handler,
  );
  aboutPart(db, at, row.entity, data);
  addAttempt(db, at, row.entity, revision, record);
}

function deadLettered(db: ViewDatabase, at: At, data: JournalData["delivery.dead_lettered"]): void {
  const row = openRow(db, at, data, data.attempts);
  if (row === null) return;
  db.run(
    `update deliveries set status = ?, letter = 1, escalated = ?, attempts = ?, retry_count = ?, cause = ?, error_type = ?, error_message = ?,
       next_attempt_at = null, replay_id = coalesce(?, replay_id), first_failed_at = coalesce(first_failed_at, ?), dead_lettered_at = ?, dead_lettered_position = ?, chain = ?
     where entity = ? and revision = ? and handler = ?`,
    data.escalated ? "escalated" : "dead_lettered",
    Number(data.escalated),
    data.attempts,
    data.retryCount,
    data.cause,
    data.error.type,
    data.error.message,
    data.replayId ?? null,
    at.recordedAt,
    at.recordedAt,
    at.position,
    data.chain,
    row.entity,
    data.revision,
    at.handler,
  );
  aboutPart(db, at, row.entity, data);
  addAttempt(db, at, row.entity, data.revision, data.record);
}

function settled(db: ViewDatabase, at: At, data: JournalData["delivery.settled"]): void {
  const row = openRow(db, at, data, 0);
  if (row === null) return;
  const { record } = data;
  db.run(
    `update deliveries set status = ?, letter = 0, attempts = ?, cause = coalesce(?, cause), error_type = coalesce(?, error_type),
       error_message = coalesce(?, error_message), next_attempt_at = null, replay_id = coalesce(?, replay_id), processed_at = ?
     where entity = ? and revision = ? and handler = ?`,
    data.outcome,
    record?.attempt ?? row.attempts,
    data.cause,
    record?.error?.type ?? null,
    record?.error?.message ?? null,
    data.act.replayId ?? null,
    at.recordedAt,
    row.entity,
    data.revision,
    at.handler,
  );
  addAttempt(db, at, row.entity, data.revision, record);
}

/** What waited for a retry and is passed by now went well; `completed` tells it in full. */
function completed(db: ViewDatabase, at: At, { ahead, completed: details = [] }: JournalData["progress"]): void {
  for (const detail of details) {
    const { id } = entityOf(db, detail.lane);
    const { status } =
      db.get<{ status: DeliveryStatus }>("select status from deliveries where entity = ? and revision = ? and handler = ?", id, detail.revision, at.handler) ??
      openRow(db, at, detail, detail.record.attempt)!;
    if (status !== "failed" && status !== "completed") continue;
    db.run(
      "update deliveries set status = 'completed', attempts = ?, next_attempt_at = null, processed_at = ? where entity = ? and revision = ? and handler = ?",
      detail.record.attempt,
      at.recordedAt,
      id,
      detail.revision,
      at.handler,
    );
    addAttempt(db, at, id, detail.revision, detail.record);
  }
  if (db.get(`select 1 from deliveries where ${retries} limit 1`, at.handler) === undefined) return;
  for (const [lane, next] of ahead) completeRetries(db, at, lane, next);
}

const retries = "handler = ? and status = 'failed' and letter = 0";
/** Said, since SQLite would take the key: all that an entity ever had trouble with, 100,000 dead letters maybe, at each of its events. */
const byLane = "indexed by retries_by_lane";

/** @param before the lane's events below this revision are done. */
function completeRetries(db: ViewDatabase, at: At, lane: string, before: number): void {
  db.run(
    `update deliveries ${byLane} set status = 'completed', attempts = attempts + 1, next_attempt_at = null, processed_at = ?
     where ${retries} and entity = ? and revision < ?`,
    at.recordedAt,
    at.handler,
    entityOf(db, lane).id,
    before,
  );
}

/** Dead letters whose replay will not retry them any more are plain dead letters again. */
function putBack(db: ViewDatabase, which: string, ...parameters: readonly string[]): void {
  db.run(
    `update deliveries indexed by letters_retried set status = iif(escalated, 'escalated', 'dead_lettered'), next_attempt_at = null
     where letter = 1 and status = 'failed' and ${which}`,
    ...parameters,
  );
}
