import { attachedOf } from "../../records/progress.ts";
import { entityOf } from "../entity-keys.ts";
import { type Entry, type Folding, type Projection, recordedMsOf } from "../projection.ts";
import { inPartition } from "./checkpoints.ts";
import { laneCountTables } from "./lane-counts.ts";
import { attached, detached, ended, passedGap, paused, progressed, resumed, retried, waits } from "./lane-moves.ts";

/**
 * Folds the journal (docs/rules.md, Journal) into rows: lanes that do not simply flow, or are ahead of the checkpoint. Runs after `deliveries`, whose rows say
 * whether a delivery is a dead letter.
 */
export const lanes: Projection<"event" | "journal" | "handler"> = {
  takes: ["event", "journal", "handler"],
  tables: `
    create table lanes(
      entity integer not null, handler text not null, tenant text not null, partition integer not null, next integer not null, at integer not null default 0,
      detached integer not null default 0, why text, attempts integer not null default 0, retry_at text, detail text, letters integer not null default 0,
      paused integer not null default 0, paused_by text, paused_reason text,
      -- Of a lane that stands still: events that waited in it when the entity's last revision was counted, and when the first of them was recorded.
      counted integer, waiting integer not null default 0, first_ms integer, primary key (entity, handler)
    ) strict, without rowid;
    create index lanes_by_handler on lanes(handler, tenant, entity);
    -- Those that a progress of their partition beyond at forgets.
    create index lanes_to_forget on lanes(handler, partition, at) where detached = 0 and letters = 0;

    -- Lanes that are not counted have no index: each dead letter that settles would change it.
    create index lanes_by_first on lanes(handler, tenant, first_ms) where first_ms is not null;
${laneCountTables}
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
      latest.lanes.retired(db, input.handler);
    }
    if (input.kind === "event") {
      latest.lanes.arrived(db, input.entity, input.event.type, recordedMsOf(input.event));
      return;
    }
    if (input.kind !== "journal") return;
    applyJournal(folding, input);
    latest.lanes.recount(db);
  },
  settle({ db, latest }) {
    latest.lanes.settle(db);
  },
};

function applyJournal(folding: Folding, { handler, entry, event, place }: Extract<Entry, { readonly kind: "journal" }>): void {
  const { db, latest } = folding;
  const mark = { handler, place, recordedAt: event.recordedAt };
  switch (entry.type) {
    case "partition.claimed": // this build may know the version: each claim tries again
      latest.lanes.write(db);
      for (const { stream } of db.all<{ stream: string }>(
        `select n.stream from lanes l cross join entities n on n.id = l.entity where l.handler = ? and l.why is not null ${inPartition("l.entity", place)}`,
        handler,
      ))
        latest.lanes.change(latest.lanes.find(db, entityOf(db, stream), handler)!, { why: null });
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
}
