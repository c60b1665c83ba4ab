import type { Act } from "../../records/act.ts";
import type { AttemptRecord } from "../../records/attempt.ts";
import type { Failure } from "../../records/fingerprint/fingerprint.ts";
import type { JournalData } from "../../records/journal.ts";
import type { ViewDatabase } from "../database.ts";
import { entityOf } from "../entity-keys.ts";
import type { DeliveryStatus } from "../model/delivery.ts";
import type { Folding } from "../projection.ts";
import { countFailure } from "./count-failure.ts";
import { addAct, addRetirement, addToHistory } from "./delivery-history.ts";
import { type About, type At, aboutPart, type Found, openRow, rowStatements, writeRow } from "./delivery-row.ts";
import { isListed } from "./letter-counts.ts";

/** A delivery without a row had no trouble, so nothing is recorded. */
export function partCompleted(db: ViewDatabase, at: At, data: JournalData["delivery.part_completed"]): void {
  const { id } = entityOf(db, data.lane);
  const row = db.get<{ calls: number }>(
    `update deliveries set attempts = 0, retry_count = 0, next_attempt_at = null, calls = calls + 1
     where entity = ? and revision = ? and handler = ? and (status = 'failed' or letter = 1) returning calls`,
    id,
    data.revision,
    at.handler,
  );
  if (row === undefined) return;
  addToHistory(db, at, { entity: id, revision: data.revision, calls: row.calls }, data.record);
  aboutPart(db, at, id, { ...data, part: data.part + 1 });
}

const failedRow = rowStatements("attempts retry_count error_type error_message next_attempt_at error_group replay_id first_failed_at calls".split(" "));
const letterRow = rowStatements(
  `letter escalated attempts retry_count cause error_type error_message error_group next_attempt_at replay_id first_failed_at dead_lettered_at
   dead_lettered_position chain calls`.split(/\s+/),
);
const settledRow = rowStatements(
  "letter error_group attempts cause error_type error_message next_attempt_at replay_id processed_at calls ended_position".split(" "),
);

/** @param used 1 when the call counts against the retry policy, 0 when it was deferred. */
export function failed(
  folding: Folding,
  at: At,
  data: About & { readonly record: AttemptRecord; readonly part?: number },
  nextAttemptAt: string,
  used: 0 | 1,
): void {
  const { db } = folding;
  const { revision, record } = data;
  const row = openRow(db, at, data, record.attempt - 1);
  if (row === null) return;
  const replayId = record.replayId ?? null;
  // A call that was only put off is no failure.
  const group = record.class === "not_ready" ? null : groupOf(folding, at, data, row, record);
  if (isListed(row)) folding.latest.letters.add(row, -1);
  const sameRound = replayId === null || replayId === row.replay_id;
  writeRow(folding, failedRow, row, "failed", [
    ...[used === 1 ? record.attempt : row.attempts, (sameRound ? row.retry_count : 0) + used],
    ...[record.error?.type ?? null, record.error?.message ?? null, nextAttemptAt, group ?? row.error_group, replayId ?? row.replay_id],
    ...[row.first_failed_at ?? (used === 1 ? at.recordedAt : null), row.calls + 1],
  ]);
  aboutPart(db, at, row.entity, data);
  addToHistory(db, at, { entity: row.entity, revision, calls: row.calls + 1 }, record);
}

export function deadLettered(folding: Folding, at: At, data: JournalData["delivery.dead_lettered"]): void {
  const { db, latest } = folding;
  const row = openRow(db, at, data, data.attempts);
  if (row === null) return;
  const group = groupOfLetter(folding, at, data, row);
  if (isListed(row)) latest.letters.add(row, -1);
  latest.letters.add({ ...row, cause: data.cause, error_type: data.error.type, error_message: data.error.message, error_group: group }, 1);
  folding.lettersOfLane = 1 - row.letter;
  writeRow(folding, letterRow, row, data.escalated ? "escalated" : "dead_lettered", [
    ...[1, Number(data.escalated), data.attempts, data.retryCount],
    ...[data.cause, data.error.type, data.error.message, group, null, data.replayId ?? row.replay_id],
    ...[row.first_failed_at ?? at.recordedAt, at.recordedAt, at.position, data.chain, callsWith(row, data.record)],
  ]);
  aboutPart(db, at, row.entity, data);
  const { act, revision, record } = data;
  const said = act && { act, what: { what: "given_up", before: row.status, after: "dead_lettered" } as const };
  addToHistory(db, at, { entity: row.entity, revision, calls: callsWith(row, record) }, record, said);
}

/** A dead letter that waited for a person waits for its run now. */
export function decided({ db, latest }: Folding, at: At, { lane, revision, decision, act }: JournalData["delivery.decided"]): void {
  const { id: entity, tenant } = entityOf(db, lane);
  const of = [entity, revision, at.handler];
  const letter = db.get<{ type: string; status: DeliveryStatus }>(
    "select type, status from deliveries where entity = ? and revision = ? and handler = ? and letter = 1",
    ...of,
  );
  if (letter === undefined) return;
  const { type, status } = letter;
  const after = status === "escalated" ? "dead_lettered" : status;
  db.run("update deliveries set escalated = 0, status = ? where entity = ? and revision = ? and handler = ?", after, ...of);
  latest.deliveries.move({ handler: at.handler, tenant, type }, status, after);
  addAct(db, at, { entity, revision }, act, { what: decision, before: "escalated", after: "dead_lettered" });
}

export function settled(folding: Folding, at: At, data: JournalData["delivery.settled"]): void {
  const { db, latest } = folding;
  const row = openRow(db, at, data, 0);
  if (row === null) return;
  const { record } = data;
  const group = record?.outcome === "failed" ? groupOf(folding, at, data, row, record) : null;
  if (isListed(row)) latest.letters.add(row, -1);
  folding.lettersOfLane = -row.letter;
  writeRow(folding, settledRow, row, data.outcome, [
    ...[0, group ?? row.error_group, record?.attempt ?? row.attempts, data.cause ?? row.cause],
    ...[record?.error?.type ?? row.error_type, record?.error?.message ?? row.error_message, null, data.act.replayId ?? row.replay_id],
    ...[at.recordedAt, callsWith(row, record), at.position],
  ]);
  const before = data.before ?? (row.letter === 1 || row.attempts > 0 ? row.status : null);
  const said = { act: data.act, what: { what: data.decision ?? data.outcome, before, after: data.outcome } };
  addToHistory(db, at, { entity: row.entity, revision: data.revision, calls: callsWith(row, record) }, record, said);
}

/** The handler is gone for good: what waited for it is over. */
export function retired({ db, latest }: Folding, at: Omit<At, "journal">, act: Act): void {
  latest.letters.writeNone(db, at.handler);
  addRetirement(db, at, act);
  db.run(
    `update deliveries set status = 'discarded', letter = 0, next_attempt_at = null, processed_at = ?, ended_position = ?
     where handler = ? and status in ('failed', 'dead_lettered', 'escalated')`,
    at.recordedAt,
    at.position,
    at.handler,
  );
  latest.deliveries.discardAll(db, at.handler);
}

function callsWith({ calls }: Found, record: AttemptRecord | null): number {
  return record === null ? calls : calls + 1;
}

function groupOf(
  folding: Folding,
  at: At,
  { eventId, at: position, schemaVersion }: About,
  row: Found,
  failure: Failure & { readonly fingerprint?: string },
): string {
  const event = { eventId, type: row.type, eventPosition: Number(position), schemaVersion: schemaVersion ?? null };
  return countFailure(folding, at, { tenant: row.tenant, entity: row.entity, ...event, failure });
}

/** What an operator gave up has failed before, and is in the group of that failure. */
function groupOfLetter(folding: Folding, at: At, data: JournalData["delivery.dead_lettered"], row: Found): string {
  const { record, cause, error } = data;
  if (record !== null) return groupOf(folding, at, data, row, { ...record, error: record.error ?? error });
  if (cause === "given_up" && row.error_group !== null) return row.error_group;
  const isEnd = cause === "crash" || cause === "unknown_outcome"; // of the process; else nothing was called
  return groupOf(folding, at, data, row, { class: isEnd ? "crash" : null, error });
}
