import { deliveryId, partDeliveryId } from "../../event/ids.ts";
import type { AttemptRecord } from "../../records/attempt.ts";
import type { JournalData } from "../../records/journal.ts";
import type { ViewDatabase } from "../database.ts";
import { entityOf } from "../entity-keys.ts";
import type { DeliveryStatus } from "../model/delivery.ts";
import { kindColumns, type LetterKind } from "./letter-counts.ts";

/** Attempts kept for each delivery: the newest. */
const keptAttempts = 50;

/** The journal entry that is folded. */
export interface At {
  readonly handler: string;
  /** Stream of the entry. */
  readonly journal: string;
  readonly position: number;
  readonly recordedAt: string;
}

export type About = Pick<JournalData["delivery.failed"], "lane" | "revision" | "at" | "eventId" | "type" | "schemaVersion">;

export interface Found extends LetterKind {
  readonly entity: number;
  readonly status: DeliveryStatus;
  readonly letter: 0 | 1;
  readonly attempts: number;
  readonly retry_count: number;
  readonly replay_id: string | null;
  /** On record so far. */
  readonly calls: number;
}

const finalStatuses: readonly DeliveryStatus[] = ["completed", "replayed", "discarded", "skipped"];

/** The delivery's row, made when there is none; null when it has its final outcome: what comes later changes nothing. */
export function openRow(db: ViewDatabase, { handler }: At, { lane, revision, at, eventId, type: storedType = "" }: About, attempts: number): Found | null {
  const { id, tenant, type } = entityOf(db, lane);
  const known = db.get<Found>(
    `select entity, status, letter, attempts, retry_count, replay_id, calls, ${kindColumns} from deliveries where entity = ? and revision = ? and handler = ?`,
    ...[id, revision, handler],
  );
  if (known !== undefined) return finalStatuses.includes(known.status) ? null : known;
  const event = db.get<{ type: string; source: string | null }>(
    "select type, source from events where position = ? and entity = ? and revision = ?",
    Number(at),
    id,
    revision,
  );
  const made: LetterKind = {
    ...{ tenant, handler, entity_type: type, source: event?.source ?? null },
    type: event?.type ?? storedType, // removed from the log before any view saw it
    ...{ cause: null, error_type: null, error_message: null, error_group: null },
  };
  db.run(
    `insert into deliveries(entity, revision, handler, position, event_id, delivery_id, tenant, entity_type, type, source, status, attempts)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'failed', ?)`,
    ...[id, revision, handler, Number(at), eventId, deliveryId(handler, lane, eventId)],
    ...[tenant, type, made.type, made.source, attempts],
  );
  return { ...made, entity: id, status: "failed", letter: 0, attempts, retry_count: 0, replay_id: null, calls: 0 };
}

/** @param calls of the delivery, with this one. */
export function addAttempt(
  db: ViewDatabase,
  { handler, position }: At,
  { entity, revision, calls }: { readonly entity: number; readonly revision: number; readonly calls: number },
  record: AttemptRecord | null,
): void {
  if (record === null) return;
  db.run(
    "insert or replace into attempts(entity, revision, handler, position, record) values (?, ?, ?, ?, ?)",
    entity,
    revision,
    handler,
    position,
    JSON.stringify(record),
  );
  if (calls <= keptAttempts) return;
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
export function aboutPart(db: ViewDatabase, { handler }: At, entity: number, { lane, revision, eventId, part }: About & { readonly part?: number }): void {
  if (part === undefined) return;
  db.run(
    "update deliveries set part = ?, delivery_id = ? where entity = ? and revision = ? and handler = ?",
    part,
    partDeliveryId(handler, lane, eventId, part),
    entity,
    revision,
    handler,
  );
}
