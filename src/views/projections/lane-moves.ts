import type { JournalData } from "../../records/journal.ts";
import { isLaneBlock } from "../../records/lane-state.ts";
import type { ViewDatabase } from "../database.ts";
import { entityOf } from "../entity-keys.ts";
import type { Folding } from "../projection.ts";
import { addMark, advance, forgetPassed, laneOf, type Mark } from "./lane-row.ts";

export function progressed(db: ViewDatabase, mark: Mark, { checkpoint: text, ahead }: JournalData["progress"]): void {
  const checkpoint = Number(text);
  for (const [lane, next, at] of ahead) {
    const entity = entityOf(db, lane);
    const known = laneOf(db, entity.id, mark.handler);
    if (known === undefined && Number(at) <= checkpoint) continue; // it would be forgotten below
    if (advance(db, entity, mark, next, Number(at), known)) addMark(db, entity.id, mark);
  }
  forgetPassed(db, mark, checkpoint);
}

export function detached(db: ViewDatabase, mark: Mark, { lane, next, at, why, detail }: JournalData["lane.detached"]): void {
  const entity = entityOf(db, lane);
  advance(db, entity, mark, next, Number(at));
  db.run(
    "update lanes set detached = 1, why = ?, detail = ? where entity = ? and handler = ?",
    isLaneBlock(why) ? why : null,
    detail ?? null,
    entity.id,
    mark.handler,
  );
  addMark(db, entity.id, mark);
}

export function attached(db: ViewDatabase, mark: Mark, { lane, at }: JournalData["lane.attached"]): void {
  const { id } = entityOf(db, lane);
  db.run("update lanes set detached = 0, why = null, at = max(at, ?) where entity = ? and handler = ?", Number(at), id, mark.handler);
  addMark(db, id, mark);
}

export function paused(db: ViewDatabase, mark: Mark, { lane, next, at, act }: JournalData["lane.paused"]): void {
  const entity = entityOf(db, lane);
  advance(db, entity, mark, next, Number(at));
  db.run(
    "update lanes set detached = 1, paused = 1, paused_by = ?, paused_reason = ? where entity = ? and handler = ?",
    act.actor,
    act.reason,
    entity.id,
    mark.handler,
  );
  addMark(db, entity.id, mark);
}

export function passedGap(db: ViewDatabase, mark: Mark, { lane, from, to }: JournalData["lane.gap"]): void {
  const entity = entityOf(db, lane);
  if (advance(db, entity, mark, to + 1, 0)) addMark(db, entity.id, mark);
  db.run("insert or replace into gaps(entity, handler, first, last, recorded_at) values (?, ?, ?, ?, ?)", entity.id, mark.handler, from, to, mark.recordedAt);
}

/** The lane waits for the next call of a delivery that failed, or was put off. */
export function waits(
  db: ViewDatabase,
  mark: Mark,
  { lane, revision }: { readonly lane: string; readonly revision: number },
  until: string,
  attempts: number,
): void {
  const entity = entityOf(db, lane);
  const retry = db.get<{ status: string; letter: 0 | 1 }>(
    "select status, letter from deliveries where entity = ? and revision = ? and handler = ?",
    entity.id,
    revision,
    mark.handler,
  );
  if (retry?.status !== "failed" || retry.letter === 1) return; // of a dead letter's replay, or late
  advance(db, entity, mark, revision, 0);
  db.run(
    "update lanes set detached = 1, next = ?, attempts = ?, retry_at = ? where entity = ? and handler = ?",
    revision,
    attempts,
    until,
    entity.id,
    mark.handler,
  );
  addMark(db, entity.id, mark);
}

/** A delivery has its outcome, or is a dead letter. */
export function ended(
  { db, lettersOfLane }: Pick<Folding, "db" | "lettersOfLane">,
  mark: Mark,
  { lane, revision, at }: { readonly lane: string; readonly revision: number; readonly at: string },
  detaches: number,
): void {
  const entity = entityOf(db, lane);
  const known = laneOf(db, entity.id, mark.handler);
  if (known === undefined || known.next <= revision) advance(db, entity, mark, revision + 1, Number(at), known);
  db.run(
    "update lanes set at = max(at, ?), detached = max(detached, ?), letters = letters + ? where entity = ? and handler = ?",
    Number(at),
    detaches,
    lettersOfLane,
    entity.id,
    mark.handler,
  );
  addMark(db, entity.id, mark);
}
