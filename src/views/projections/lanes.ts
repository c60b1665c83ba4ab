import { attachedOf } from "../../records/progress.ts";
import type { Projection } from "../projection.ts";
import { inPartition } from "./checkpoints.ts";
import { attached, detached, ended, passedGap, paused, progressed, resumed, retried, waits } from "./lane-moves.ts";

/**
 * Folds the journal (docs/rules.md, Journal) into rows: lanes that do not simply flow, or are ahead of the checkpoint. Runs after `deliveries`, whose rows say
 * whether a delivery is a dead letter.
 */
export const lanes: Projection = {
  tables: `
    create table lanes(
      entity integer not null, handler text not null, tenant text not null, partition integer not null, next integer not null, at integer not null default 0,
      detached integer not null default 0, why text, attempts integer not null default 0, retry_at text, detail text, letters integer not null default 0,
      paused integer not null default 0, paused_by text, paused_reason text, primary key (entity, handler)
    ) strict, without rowid;
    create index lanes_by_handler on lanes(handler, tenant, entity);
    -- Those that a progress of their partition beyond at forgets.
    create index lanes_to_forget on lanes(handler, partition, at) where detached = 0 and letters = 0;

    -- Where detached lanes were, the last of each second: when events that they passed were completed.
    create table lane_marks(entity integer not null, handler text not null, second integer not null, next integer not null, detached integer not null,
      recorded_at text not null, primary key (entity, handler, second)) strict, without rowid;
    -- Holes in a stream: what was indexed there is skipped.
    create table gaps(entity integer not null, handler text not null, first integer not null, last integer not null, recorded_at text not null,
      primary key (entity, handler, first)) strict, without rowid;
    create index gaps_by_handler on gaps(handler);
  `,
  apply(folding, input) {
    const { db, latest } = folding;
    if (input.kind === "handler" && input.entry.type === "handler.retired") {
      latest.lanes.write(db);
      db.run("delete from lanes where handler = ?", input.handler);
    }
    if (input.kind !== "journal") return;
    const { handler, entry, event, place } = input;
    const mark = { handler, place, recordedAt: event.recordedAt };
    switch (entry.type) {
      case "partition.claimed": // this build may know the version: each claim tries again
        latest.lanes.write(db);
        db.run(`update lanes set why = null where handler = ? and why is not null ${inPartition("lanes.entity", place)}`, handler);
        return;
      case "progress":
        for (const one of entry.data.attached ?? []) attached(folding, mark, attachedOf(one));
        progressed(folding, mark, entry.data);
        return;
      case "lane.detached":
        detached(folding, mark, entry.data);
        return;
      case "lane.attached":
        attached(folding, mark, entry.data);
        return;
      case "lane.paused":
        paused(folding, mark, entry.data);
        return;
      case "lane.resumed":
        resumed(folding, mark, entry.data);
        return;
      case "lane.retried":
        retried(folding, mark, entry.data);
        return;
      case "lane.gap":
        passedGap(folding, mark, entry.data);
        return;
      case "delivery.failed":
        waits(folding, mark, entry.data, entry.data.retryAt, entry.data.record.attempt);
        return;
      case "delivery.deferred":
        waits(folding, mark, entry.data, entry.data.until, entry.data.record.attempt - 1);
        return;
      case "delivery.dead_lettered":
      case "delivery.settled":
        ended(folding, mark, entry.data, entry.type === "delivery.dead_lettered");
    }
  },
  settle({ db, latest }) {
    latest.lanes.write(db);
  },
};
