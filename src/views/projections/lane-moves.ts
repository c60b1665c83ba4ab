import type { JournalData } from "../../records/journal.ts";
import { isLaneBlock } from "../../records/lane-state.ts";
import { entityOf } from "../entity-keys.ts";
import type { Folding } from "../projection.ts";
import type { Mark } from "./kept-lane.ts";

export function progressed({ db, latest: { lanes } }: Folding, mark: Mark, { checkpoint: text, ahead }: JournalData["progress"]): void {
  const checkpoint = Number(text);
  for (const [stream, next, at] of ahead) {
    const entity = entityOf(db, stream);
    if (Number(at) <= checkpoint && lanes.find(db, entity, mark.handler) === undefined) continue; // it would be forgotten below
    const { lane, moved } = lanes.advance(db, entity, mark, next, Number(at));
    if (moved) lanes.addMark(db, lane, mark.recordedAt);
  }
  lanes.forgetPassed(db, mark, checkpoint);
}

export function detached({ db, latest: { lanes } }: Folding, mark: Mark, { lane: stream, next, at, why, detail }: JournalData["lane.detached"]): void {
  const { lane } = lanes.advance(db, entityOf(db, stream), mark, next, Number(at));
  lanes.change(lane, { detached: 1, why: isLaneBlock(why) ? why : null, detail: detail ?? null });
  lanes.addMark(db, lane, mark.recordedAt);
}

export function attached({ db, latest: { lanes } }: Folding, mark: Mark, { lane: stream, at }: JournalData["lane.attached"]): void {
  const lane = lanes.find(db, entityOf(db, stream), mark.handler);
  if (lane === undefined) return;
  lanes.change(lane, { detached: 0, why: null, at: Math.max(lane.at, Number(at)) });
  lanes.addMark(db, lane, mark.recordedAt);
}

export function paused({ db, latest: { lanes } }: Folding, mark: Mark, { lane: stream, next, at, act }: JournalData["lane.paused"]): void {
  const { lane } = lanes.advance(db, entityOf(db, stream), mark, next, Number(at));
  lanes.change(lane, { detached: 1, paused: 1, paused_by: act.actor, paused_reason: act.reason });
  lanes.addMark(db, lane, mark.recordedAt);
}

export function resumed({ db, latest: { lanes } }: Folding, { handler }: Mark, { lane: stream }: JournalData["lane.resumed"]): void {
  const lane = lanes.find(db, entityOf(db, stream), handler);
  if (lane !== undefined) lanes.change(lane, { paused: 0, paused_by: null, paused_reason: null });
}

export function retried({ db, latest: { lanes } }: Folding, { handler }: Mark, { lane: stream }: JournalData["lane.retried"]): void {
  const lane = lanes.find(db, entityOf(db, stream), handler);
  if (lane !== undefined) lanes.change(lane, { retry_at: null });
}

export function passedGap({ db, latest: { lanes } }: Folding, mark: Mark, { lane: stream, from, to }: JournalData["lane.gap"]): void {
  const entity = entityOf(db, stream);
  const { lane, moved } = lanes.advance(db, entity, mark, to + 1, 0);
  if (moved) lanes.addMark(db, lane, mark.recordedAt);
  db.run("insert or replace into gaps(entity, handler, first, last, recorded_at) values (?, ?, ?, ?, ?)", entity.id, mark.handler, from, to, mark.recordedAt);
}

/** The lane waits for the next call of a delivery that failed, or was put off. */
export function waits(
  { db, latest: { lanes } }: Folding,
  mark: Mark,
  { lane: stream, revision }: { readonly lane: string; readonly revision: number },
  until: string,
  attempts: number,
): void {
  const entity = entityOf(db, stream);
  const retry = db.get<{ status: string; letter: 0 | 1 }>(
    "select status, letter from deliveries where entity = ? and revision = ? and handler = ?",
    entity.id,
    revision,
    mark.handler,
  );
  if (retry?.status !== "failed" || retry.letter === 1) return; // of a dead letter's replay, or late
  const { lane } = lanes.advance(db, entity, mark, revision, 0);
  lanes.change(lane, { detached: 1, next: revision, attempts, retry_at: until });
  lanes.addMark(db, lane, mark.recordedAt);
}

/** A delivery has its outcome, or is a dead letter. */
export function ended(
  { db, lettersOfLane, latest: { lanes } }: Folding,
  mark: Mark,
  { lane: stream, revision, at }: { readonly lane: string; readonly revision: number; readonly at: string },
  detaches: boolean,
): void {
  const entity = entityOf(db, stream);
  const { lane } = lanes.advance(db, entity, mark, revision + 1, Number(at));
  lanes.change(lane, { detached: detaches ? 1 : lane.detached, letters: lane.letters + lettersOfLane });
  lanes.addMark(db, lane, mark.recordedAt);
}
