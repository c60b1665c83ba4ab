import type { Catalog } from "../../catalog/catalog.ts";
import { partitionOfJournal } from "../../event/names.ts";
import type { ViewDatabase } from "../database.ts";
import type { Projection } from "../projection.ts";
import { checkpointTables, divide, moveCheckpoint, partitionsOf } from "./checkpoints.ts";

/** What each handler wants and how far its checkpoint is. */
export const handlers: Projection<"journal" | "handler"> = {
  takes: ["journal", "handler"],
  tables: `
    -- ordering is null until the handler's configuration was met.
    create table handlers(name text primary key, ordering text, journal text, partitions integer not null default 1, checkpoint integer not null default 0, paused integer not null default 0,
      paused_by text, paused_why text, endpoint text)
      strict, without rowid;
    create index handlers_by_journal on handlers(journal);
    -- exact: a stored type as it is; otherwise a type of the catalog, with its other names.
    create table handler_types(handler text not null, type text not null, since integer not null, exact integer not null, primary key (handler, type))
      strict, without rowid;
    ${checkpointTables}
    -- The last progress of each second: when events without a row of their own were completed.
    create table progress_marks(handler text not null, partitions integer not null, partition integer not null, second integer not null,
      checkpoint integer not null, recorded_at text not null, primary key (handler, second, partitions, partition)) strict, without rowid;
    create index progress_marks_by_checkpoint on progress_marks(handler, checkpoint);
  `,
  apply({ db, wantedChanged, latest }, input) {
    if (input.kind === "journal" && input.entry.type === "progress") {
      const { handler, event, place } = input;
      const checkpoint = Number(input.entry.data.checkpoint);
      moveCheckpoint(db, handler, place, checkpoint);
      db.run(
        `insert into progress_marks(handler, partitions, partition, second, checkpoint, recorded_at) values (?, ?, ?, ?, ?, ?)
         on conflict do update set checkpoint = excluded.checkpoint, recorded_at = excluded.recorded_at`,
        handler,
        place.of,
        place.partition,
        Math.floor(Date.parse(event.recordedAt) / 1000),
        checkpoint,
        event.recordedAt,
      );
      return;
    }
    if (input.kind !== "handler") return;
    const { handler, entry } = input;
    switch (entry.type) {
      case "handler.configured": {
        const { of } = partitionOfJournal(entry.data.journal);
        const before = partitionsOf(db, handler);
        const wantedBefore = wantedOf(db, handler);
        latest.lanes.write(db);
        db.run(
          `insert into handlers(name, ordering, journal, partitions, endpoint) values (?, ?, ?, ?, ?)
           on conflict do update set ordering = excluded.ordering, journal = excluded.journal, endpoint = excluded.endpoint`,
          handler,
          entry.data.ordering,
          entry.data.journal,
          of,
          entry.data.endpoint,
        );
        db.journals.clear();
        if (before !== undefined) divide(db, handler, before, of);
        db.run("delete from handler_types where handler = ?", handler);
        for (const [type, since] of Object.entries(entry.data.stored ?? entry.data.types))
          db.run(
            "insert into handler_types(handler, type, since, exact) values (?, ?, ?, ?)",
            handler,
            type,
            Number(since),
            Number(entry.data.stored !== undefined),
          );
        if (wantedOf(db, handler) !== wantedBefore) latest.lanes.configured(db, handler);
        wantedChanged();
        return;
      }
      case "handler.paused":
        db.run("update handlers set paused = 1, paused_by = ?, paused_why = ? where name = ?", entry.data.act.actor, entry.data.why, handler);
        return;
      case "handler.resumed":
        db.run("update handlers set paused = 0, paused_by = null, paused_why = null where name = ?", handler);
        return;
      case "handler.retired":
        db.run("update handlers set ordering = null, paused = 0, paused_by = null, paused_why = null where name = ?", handler);
        db.run("delete from handler_types where handler = ?", handler);
        wantedChanged();
    }
  },
};

/** What a handler wants, and in which order, as text that can be compared. */
function wantedOf(db: ViewDatabase, handler: string): string {
  const types = db.all("select type, since, exact from handler_types where handler = ? order by type", handler);
  return JSON.stringify([db.get("select ordering from handlers where name = ?", handler), types]);
}

/**
 * Fills `temp.wanted`: which stored types each handler wants, and beyond which position. What the first builds recorded depends on this
 * build's catalog, hence it is no part of the file.
 */
export function refreshWanted(db: ViewDatabase, catalog: Catalog): void {
  db.exec(`
    create temp table if not exists wanted(handler text not null, type text not null, since integer not null, primary key (handler, type)) without rowid;
    create index if not exists temp.wanted_by_type on wanted(type);
    delete from temp.wanted;
  `);
  for (const { handler, type, since, exact } of db.all<{ handler: string; type: string; since: number; exact: 0 | 1 }>(
    "select handler, type, since, exact from handler_types",
  ))
    for (const stored of exact ? [type] : catalog.candidates([type]))
      db.run(
        "insert into temp.wanted(handler, type, since) values (?, ?, ?) on conflict do update set since = min(since, excluded.since)",
        handler,
        stored,
        since,
      );
}
