import { isLaneBlock } from "../../records/lane-state.ts";
import type { ViewDatabase } from "../database.ts";
import { entityOf } from "../entity-keys.ts";
import type { Projection } from "../projection.ts";

/**
 * The fold of DELIVERY §3 as rows: lanes that are not simply flowing, or are ahead of the checkpoint. Runs after `deliveries`, whose rows say
 * whether a delivery is a dead letter.
 */
export const lanes: Projection = {
  tables: `
    create table lanes(
      entity integer not null, handler text not null, next integer not null, at integer not null default 0, detached integer not null default 0, why text,
      attempts integer not null default 0, retry_at text, detail text, letters integer not null default 0, paused integer not null default 0, paused_by text,
      paused_reason text, primary key (entity, handler)
    ) strict, without rowid;
    create index lanes_by_handler on lanes(handler, entity);
    -- Those that a progress beyond at forgets.
    create index lanes_to_forget on lanes(handler, at) where detached = 0 and letters = 0;

    -- Where detached lanes were, the last of each second: when events that they passed were completed.
    create table lane_marks(entity integer not null, handler text not null, second integer not null, next integer not null, detached integer not null,
      recorded_at text not null, primary key (entity, handler, second)) strict, without rowid;
    -- Holes in a stream: what was indexed there is skipped.
    create table gaps(entity integer not null, handler text not null, first integer not null, last integer not null, recorded_at text not null,
      primary key (entity, handler, first)) strict, without rowid;
    create index gaps_by_handler on gaps(handler);
  `,
  apply({ db }, input) {
    if (input.kind === "handler" && input.entry.type === "handler.retired") db.run("delete from lanes where handler = ?", input.handler);
    if (input.kind !== "journal") return;
    const { handler, entry, event } = input;
    const mark = { handler, recordedAt: event.recordedAt };
    switch (entry.type) {
      case "partition.claimed": // this build may know the version: each claim tries again
        db.run("update lanes set why = null where handler = ? and why is not null", handler);
        return;
      case "progress": {
        const checkpoint = Number(entry.data.checkpoint);
        for (const [lane, next, at] of entry.data.ahead) {
          const { id } = entityOf(db, lane);
          const known = laneOf(db, id, handler);
          if (known === undefined && Number(at) <= checkpoint) continue; // would be forgotten below
          advance(db, id, mark, next, Number(at), known);
        }
        db.run("delete from lanes indexed by lanes_to_forget where handler = ? and detached = 0 and at <= ? and letters = 0", handler, checkpoint);
        return;
      }
      case "lane.detached": {
        const { lane, next, at, why, detail } = entry.data;
        const { id } = entityOf(db, lane);
        advance(db, id, mark, next, Number(at));
        db.run(
          "update lanes set detached = 1, why = ?, detail = ? where entity = ? and handler = ?",
          isLaneBlock(why) ? why : null,
          detail ?? null,
          id,
          handler,
        );
        addMark(db, id, mark);
        return;
      }
      case "lane.attached": {
        const { id } = entityOf(db, entry.data.lane);
        db.run("update lanes set detached = 0, why = null, at = max(at, ?) where entity = ? and handler = ?", Number(entry.data.at), id, handler);
        addMark(db, id, mark);
        return;
      }
      case "lane.paused": {
        const { lane, next, at, act } = entry.data;
        const { id } = entityOf(db, lane);
        advance(db, id, mark, next, Number(at));
        db.run(
          "update lanes set detached = 1, paused = 1, paused_by = ?, paused_reason = ? where entity = ? and handler = ?",
          act.actor,
          act.reason,
          id,
          handler,
        );
        addMark(db, id, mark);
        return;
      }
      case "lane.resumed":
        db.run(
          "update lanes set paused = 0, paused_by = null, paused_reason = null where entity = ? and handler = ?",
          entityOf(db, entry.data.lane).id,
          handler,
        );
        return;
      case "lane.retried":
        db.run("update lanes set retry_at = null where entity = ? and handler = ?", entityOf(db, entry.data.lane).id, handler);
        return;
      case "lane.gap": {
        const { lane, from, to } = entry.data;
        const { id } = entityOf(db, lane);
        advance(db, id, mark, to + 1, 0);
        db.run("insert or replace into gaps(entity, handler, first, last, recorded_at) values (?, ?, ?, ?, ?)", id, handler, from, to, mark.recordedAt);
        return;
      }
      case "delivery.failed":
      case "delivery.deferred": {
        const { lane, revision, record } = entry.data;
        const { id } = entityOf(db, lane);
        const retry = db.get<{ status: string; letter: 0 | 1 }>(
          "select status, letter from deliveries where entity = ? and revision = ? and handler = ?",
          id,
          revision,
          handler,
        );
        if (retry?.status !== "failed" || retry.letter === 1) return; // of a dead letter's replay, or late
        advance(db, id, mark, revision, 0);
        db.run(
          "update lanes set detached = 1, next = ?, attempts = ?, retry_at = ? where entity = ? and handler = ?",
          revision,
          entry.type === "delivery.failed" ? record.attempt : record.attempt - 1,
          entry.type === "delivery.failed" ? entry.data.retryAt : entry.data.until,
          id,
          handler,
        );
        addMark(db, id, mark);
        return;
      }
      case "delivery.dead_lettered":
      case "delivery.settled": {
        const { lane, revision, at } = entry.data;
        const { id } = entityOf(db, lane);
        advance(db, id, mark, revision + 1, Number(at));
        db.run(
          `update lanes set detached = max(detached, ?),
             letters = coalesce((select l.letters from lane_letters l where l.entity = lanes.entity and l.handler = lanes.handler), 0)
           where entity = ? and handler = ?`,
          Number(entry.type === "delivery.dead_lettered"),
          id,
          handler,
        );
        addMark(db, id, mark);
      }
    }
  },
};

interface Mark {
  readonly handler: string;
  readonly recordedAt: string;
}

interface LaneKey {
  readonly next: number;
  readonly detached: 0 | 1;
}

function laneOf(db: ViewDatabase, entity: number, handler: string): LaneKey | undefined {
  return db.get<LaneKey>("select next, detached from lanes where entity = ? and handler = ?", entity, handler);
}

/** Moves the lane on, never back, and clears what was known of the revisions before. Made, attached, when there is none. */
function advance(db: ViewDatabase, entity: number, mark: Mark, next: number, at: number, known = laneOf(db, entity, mark.handler)): void {
  if (known === undefined) {
    db.run("insert into lanes(entity, handler, next, at) values (?, ?, ?, ?)", entity, mark.handler, next, at);
    return;
  }
  if (next > known.next)
    db.run("update lanes set next = ?, attempts = 0, retry_at = null, why = null where entity = ? and handler = ?", next, entity, mark.handler);
  if (at > 0) db.run("update lanes set at = max(at, ?) where entity = ? and handler = ?", at, entity, mark.handler);
  if (known.detached === 1 && next > known.next) addMark(db, entity, mark);
}

/** Only of lanes that are detached, or were: those that flow are told by the handler's checkpoint. */
function addMark(db: ViewDatabase, entity: number, { handler, recordedAt }: Mark): void {
  db.run(
    `insert or replace into lane_marks(entity, handler, second, next, detached, recorded_at)
     select entity, handler, ?, next, detached, ? from lanes where entity = ? and handler = ?`,
    Math.floor(Date.parse(recordedAt) / 1000),
    recordedAt,
    entity,
    handler,
  );
}
