import type { Act } from "../../records/act.ts";
import type { AttemptRecord } from "../../records/attempt.ts";
import type { ViewDatabase } from "../database.ts";
import type { DeliveryAct } from "../model/delivery-act.ts";
import type { At } from "./delivery-row.ts";

/**
 * What each entry of a journal says of a delivery: its call, and who decided what (people, the retry policy, a due date). Amendments stand in a table of their
 * own. With a table for each, a settled dead letter took 3 µs more.
 */
export const deliveryHistoryTable = `
    -- position: that of the journal's entry, or of the handler's. record: of the call, as JSON, of the newest calls. act: a DeliveryAct, as JSON.
    create table delivery_history(entity integer not null, revision integer not null, handler text not null, position integer not null, record text, act text,
      primary key (entity, revision, handler, position)) strict, without rowid;
`;

/** Attempts kept for each delivery: the newest. */
const keptAttempts = 50;

interface Delivery {
  readonly entity: number;
  readonly revision: number;
}

interface Said {
  readonly act: Act;
  readonly what: Pick<DeliveryAct, "what" | "before" | "after">;
}

const ofDelivery = "entity = ? and revision = ? and handler = ?";

/** @param calls of the delivery, with this one. */
export function addToHistory(db: ViewDatabase, at: At, delivery: Delivery & { readonly calls: number }, record: AttemptRecord | null, said?: Said): void {
  if (record === null && said === undefined) return;
  const { handler, position } = at;
  const { entity, revision, calls } = delivery;
  const act = said === undefined ? null : JSON.stringify(actOf(at, said));
  db.run(
    "insert or replace into delivery_history(entity, revision, handler, position, record, act) values (?, ?, ?, ?, ?, ?)",
    ...[entity, revision, handler, position, record && JSON.stringify(record), act],
  );
  if (record === null || calls <= keptAttempts) return;
  const oldest = db.get<{ position: number }>(
    `select position from delivery_history where ${ofDelivery} and record is not null order by position desc limit 1 offset ${keptAttempts}`,
    ...[entity, revision, handler],
  );
  if (oldest !== undefined) forgetRecords(db, `${ofDelivery} and position <= ?`, entity, revision, handler, oldest.position);
}

/** An act without a call. */
export function addAct(db: ViewDatabase, at: At, delivery: Delivery, act: Act, what: Said["what"]): void {
  addToHistory(db, at, { ...delivery, calls: 0 }, null, { act, what });
}

/** The same for all that waits for a handler which is gone for good. Runs before their rows are closed. */
export function addRetirement(db: ViewDatabase, { handler, position, recordedAt }: Omit<At, "journal">, { actor, reason }: Act): void {
  db.run(
    `insert or replace into delivery_history(entity, revision, handler, position, act)
     select entity, revision, handler, ?, json_object('at', ?, 'what', 'discarded', 'actor', ?, 'reason', ?, 'before', status, 'after', 'discarded',
       'resolution', null, 'replayId', null) from deliveries
     where handler = ? and status in ('failed', 'dead_lettered', 'escalated')`,
    position,
    recordedAt,
    actor,
    reason,
    handler,
  );
}

/** The acts stay. @param which rows of `delivery_history`. */
export function forgetRecords(db: ViewDatabase, which: string, ...parameters: readonly (string | number)[]): void {
  db.run(`delete from delivery_history where act is null and ${which}`, ...parameters);
  db.run(`update delivery_history set record = null where record is not null and ${which}`, ...parameters);
}

/** @throws TypeError for an act that is not Reprise's own: its entry is passed over then. JSON would keep what no reader expects. */
function actOf({ recordedAt }: Pick<At, "recordedAt">, { act: { actor, reason, resolution, replayId }, what: { what, before, after } }: Said): DeliveryAct {
  const isOurs = typeof actor === "string" && [reason, resolution ?? null, replayId ?? null].every((text) => text === null || typeof text === "string");
  if (!isOurs) throw new TypeError("An act has no actor, or a reason that is no text.");
  return { at: recordedAt, what, actor, reason, before, after, resolution: resolution ?? null, replayId: replayId ?? null };
}
