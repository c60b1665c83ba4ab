import type { SQLInputValue } from "node:sqlite";
import { deliveryId, partDeliveryId } from "../../event/ids.ts";
import type { JournalData } from "../../records/journal.ts";
import type { ViewDatabase } from "../database.ts";
import type { EntityKey } from "../entity-cache.ts";
import { entityOf } from "../entity-keys.ts";
import type { DeliveryStatus } from "../model/delivery.ts";
import type { Folding } from "../projection.ts";
import type { LetterKind } from "./letter-counts.ts";

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
  readonly revision: number;
  readonly status: DeliveryStatus;
  readonly letter: 0 | 1;
  readonly attempts: number;
  readonly retry_count: number;
  readonly replay_id: string | null;
  readonly first_failed_at: string | null;
  /** On record so far. */
  readonly calls: number;
  /** Undefined: it has a row. */
  readonly made?: MadeRow;
}

/** Of a delivery without a row: with what the row begins. */
interface MadeRow {
  readonly position: number;
  readonly eventId: string;
  readonly deliveryId: string;
}

const finalStatuses: readonly DeliveryStatus[] = ["completed", "replayed", "discarded", "skipped"];

const rowOf = `select status, letter, attempts, retry_count, replay_id, first_failed_at, calls, type, source, cause, error_type, error_message, error_group
  from deliveries where entity = ? and revision = ? and handler = ?`;

type RowColumns = readonly [
  ...[status: DeliveryStatus, letter: 0 | 1, attempts: number, retry_count: number, replay_id: string | null, first_failed_at: string | null, calls: number],
  ...[type: string, source: string | null, cause: string | null, error_type: string | null, error_message: string | null, error_group: string | null],
];

export function findRow(db: ViewDatabase, { id: entity, tenant, type: entity_type }: EntityKey, revision: number, handler: string): Found | undefined {
  const row = db.values<RowColumns>(rowOf, entity, revision, handler);
  if (row === undefined) return undefined;
  const [status, letter, attempts, retry_count, replay_id, first_failed_at, calls, type, source, cause, error_type, error_message, error_group] = row;
  const kind = { tenant, handler, entity_type, type, source, cause, error_type, error_message, error_group };
  return { entity, revision, status, letter, attempts, retry_count, replay_id, first_failed_at, calls, ...kind };
}

/** The delivery as its row has it, or will have it: see `newRow`. Null when it has its final outcome: what comes later changes nothing. */
export function openRow(db: ViewDatabase, at: At, about: About, attempts: number): Found | null {
  const known = findRow(db, entityOf(db, about.lane), about.revision, at.handler);
  if (known === undefined) return newRow(db, at, about, attempts);
  return finalStatuses.includes(known.status) ? null : known;
}

/** A delivery without a row. `writeRow` makes it. */
export function newRow(db: ViewDatabase, { handler }: At, { lane, revision, at, eventId, type: storedType = "" }: About, attempts: number): Found {
  const { id, tenant, type } = entityOf(db, lane);
  const event = db.get<{ type: string; source: string | null }>(
    "select type, source from events where position = ? and entity = ? and revision = ?",
    Number(at),
    id,
    revision,
  );
  return {
    ...{ entity: id, revision, tenant, handler, entity_type: type, source: event?.source ?? null },
    type: event?.type ?? storedType, // removed from the log before any view saw it
    ...{ cause: null, error_type: null, error_message: null, error_group: null, first_failed_at: null },
    ...{ status: "failed", letter: 0, attempts, retry_count: 0, replay_id: null, calls: 0 },
    made: { position: Number(at), eventId, deliveryId: deliveryId(handler, lane, eventId) },
  };
}

/** How a delivery's row gets new values of these columns, and a delivery without a row one with them: made first and changed then, it took six moves in indexes more. */
export interface RowStatements {
  readonly insert: string;
  readonly update: string;
}

/** @param others than `status`, `attempts` among them. */
export function rowStatements(others: readonly string[]): RowStatements {
  const columns = ["status", ...others];
  const all = ["entity", "revision", "handler", "position", "event_id", "delivery_id", "tenant", "entity_type", "type", "source", ...columns];
  return {
    insert: `insert into deliveries(${all.join(", ")}) values (${all.map(() => "?").join(", ")})`,
    update: `update deliveries set ${columns.map((column) => `${column} = ?`).join(", ")} where entity = ? and revision = ? and handler = ?`,
  };
}

/** @param values of the statements' other columns. */
export function writeRow(
  { db, latest }: Pick<Folding, "db" | "latest">,
  { insert, update }: RowStatements,
  row: Found,
  status: DeliveryStatus,
  values: readonly SQLInputValue[],
): void {
  const { entity, revision, handler, made, tenant, entity_type, type, source } = row;
  latest.deliveries.move(row, made === undefined ? row.status : null, status);
  if (made === undefined) db.run(update, status, ...values, entity, revision, handler);
  else db.run(insert, entity, revision, handler, made.position, made.eventId, made.deliveryId, tenant, entity_type, type, source, status, ...values);
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
