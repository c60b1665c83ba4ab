import type { AttachedLane, JournalData } from "../../records/journal.ts";
import { entityOf } from "../entity-keys.ts";
import type { Folding } from "../projection.ts";
import { addToHistory } from "./delivery-history.ts";
import { type At, findRow, newRow, rowStatements, writeRow } from "./delivery-row.ts";
import { kindColumns, type LetterKind } from "./letter-counts.ts";

const completedRow = rowStatements(["attempts", "next_attempt_at", "processed_at", "calls", "ended_position"]);

/** A delivery that waited for a retry, and that the lane has passed, has completed. `completed` records it in full. */
export function completed(folding: Folding, at: At, { ahead, completed: details = [], attached: lanes = [] }: JournalData["progress"]): void {
  const { db } = folding;
  attached(folding, at, lanes);
  for (const detail of details) {
    const entity = entityOf(db, detail.lane);
    const row = findRow(db, entity, detail.revision, at.handler) ?? newRow(db, at, detail, detail.record.attempt);
    const { status, calls } = row;
    if (status !== "failed" && status !== "completed") continue;
    writeRow(folding, completedRow, row, "completed", [detail.record.attempt, null, at.recordedAt, calls + 1, at.position]);
    addToHistory(db, at, { entity: entity.id, revision: detail.revision, calls: calls + 1 }, detail.record);
  }
  completeRetries(folding, at, ahead);
}

/** Nothing of these lanes is left to do; no progress names them once the checkpoint has passed them. */
export function attached(folding: Folding, at: At, lanes: readonly AttachedLane[]): void {
  const whole = lanes.map(([lane]) => [lane, Number.MAX_SAFE_INTEGER] as const);
  completeRetries(folding, at, whole);
}

const retries = "handler = ? and status = 'failed' and letter = 0";

/** The index is named, because SQLite would take the key, and read at each event all of the entity's troubled deliveries, maybe 100,000 dead letters. */
export const byLane = "indexed by retries_by_lane";

/** @param lanes their events below these revisions are done. */
function completeRetries({ db, latest }: Folding, at: At, lanes: readonly (readonly [lane: string, before: number, ...unknown[]])[]): void {
  if (lanes.length === 0 || db.get(`select 1 from deliveries where ${retries} limit 1`, at.handler) === undefined) return;
  const { handler } = at;
  for (const [lane, before] of lanes) {
    const { id, tenant } = entityOf(db, lane);
    for (const { type } of db.all<{ type: string }>(
      `update deliveries ${byLane} set status = 'completed', attempts = attempts + 1, next_attempt_at = null, processed_at = ?, ended_position = ?
       where ${retries} and entity = ? and revision < ? returning type`,
      ...[at.recordedAt, at.position, handler, id, before],
    ))
      latest.deliveries.move({ handler, tenant, type }, "failed", "completed");
  }
}

/** Dead letters whose replay will not retry them any more are plain dead letters again. */
export function putBack({ db, latest }: Folding, which: string, ...parameters: readonly string[]): void {
  const retried = `letter = 1 and status = 'failed' and ${which}`;
  const kinds = db.all<LetterKind & { readonly letters: number; readonly escalated: 0 | 1 }>(
    `select ${kindColumns}, escalated, count(*) as letters from deliveries indexed by letters_retried where ${retried} group by ${kindColumns}, escalated`,
    ...parameters,
  );
  if (kinds.length === 0) return;
  for (const { letters, escalated, ...kind } of kinds) {
    latest.letters.add(kind, letters);
    latest.deliveries.move(kind, "failed", escalated === 1 ? "escalated" : "dead_lettered", letters);
  }
  db.run(
    `update deliveries indexed by letters_retried set status = iif(escalated, 'escalated', 'dead_lettered'), next_attempt_at = null
     where ${retried}`,
    ...parameters,
  );
}

/** The lane has passed a hole in its stream. */
export function skipped({ db, latest }: Folding, { handler, position, recordedAt }: At, { lane, from, to }: JournalData["lane.gap"]): void {
  const { id, tenant } = entityOf(db, lane);
  for (const { type } of db.all<{ type: string }>(
    `update deliveries ${byLane} set status = 'skipped', processed_at = ?, ended_position = ?, next_attempt_at = null
     where entity = ? and revision between ? and ? and handler = ? and status = 'failed' and letter = 0 returning type`,
    ...[recordedAt, position, id, from, to, handler],
  ))
    latest.deliveries.move({ handler, tenant, type }, "failed", "skipped");
}
