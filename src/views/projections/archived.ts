import type { RetentionStreamData } from "../../records/retention.ts";
import type { ViewDatabase } from "../database.ts";
import { entityOf } from "../entity-keys.ts";
import type { Projection } from "../projection.ts";

/** What has left the log, as far as views tell it: of each entity, and of what each handler wants. It comes from the records alone, so that a rebuild has the same. */
export const archived: Projection<"handler" | "retention"> = {
  takes: ["handler", "retention"],
  tables: `
    -- events: those that left; before: the entity's revisions below it; segment: that of the last ones.
    create table archived_entities(entity integer primary key, events integer not null, before integer not null, segment integer not null) strict;
    create table archived_segments(id integer primary key, name text not null unique) strict;
    create table archived_types(type text not null, tenant text not null, events integer not null, primary key (type, tenant)) strict, without rowid;
    -- done: they had been done; missed: they were gone before the handler came.
    create table archived_wanted(handler text not null, tenant text not null, done integer not null default 0, missed integer not null default 0,
      primary key (handler, tenant)) strict, without rowid;
    -- The types of a handler's for which archived events were counted.
    create table archived_wants(handler text not null, type text not null, primary key (handler, type)) strict, without rowid;
  `,
  apply({ db }, input) {
    if (input.kind === "handler") {
      const { handler, entry } = input;
      if (entry.type === "handler.configured") wants(db, handler, entry.data.stored ?? entry.data.types);
      else if (entry.type === "handler.retired")
        for (const table of ["archived_wanted", "archived_wants"]) db.run(`delete from ${table} where handler = ?`, handler);
    } else if (input.kind === "retention" && input.entry.type === "retention.archived") leave(db, input.entry.data);
  },
};

/** What left the log before a handler came that would have wanted it. A later `since` is beyond all that had left by then. */
function wants(db: ViewDatabase, handler: string, types: Readonly<Record<string, string>>): void {
  for (const [type, since] of Object.entries(types)) {
    const isNew = db.run("insert or ignore into archived_wants(handler, type) values (?, ?)", handler, type) > 0;
    if (!isNew || Number(since) > 0) continue;
    for (const { tenant, events } of db.all<{ tenant: string; events: number }>("select tenant, events from archived_types where type = ?", type))
      add(db, handler, tenant, 0, events);
  }
}

function leave(db: ViewDatabase, { segment, streams, handlers, types }: RetentionStreamData["retention.archived"]): void {
  db.run("insert or ignore into archived_segments(name) values (?)", segment);
  const { id } = db.get<{ id: number }>("select id from archived_segments where name = ?", segment)!;
  for (const [stream, first, before] of streams)
    db.run(
      `insert into archived_entities(entity, events, before, segment) values (?, ?, ?, ?)
       on conflict do update set events = events + excluded.before - max(?, before), before = excluded.before, segment = excluded.segment where excluded.before > before`,
      ...[entityOf(db, stream).id, before - first, before, id, first],
    );
  if (handlers === undefined || types === undefined) return; // a record of the first builds
  for (const [type, tenants] of Object.entries(types))
    for (const [tenant, events] of Object.entries(tenants))
      db.run(
        "insert into archived_types(type, tenant, events) values (?, ?, ?) on conflict do update set events = events + excluded.events",
        ...[type, tenant, events],
      );
  for (const [handler, tenants] of Object.entries(handlers)) for (const [tenant, events] of Object.entries(tenants)) add(db, handler, tenant, events, 0);
  // Handlers that were configured while the run was at it, which it did not know.
  for (const { handler, type } of db.all<{ handler: string; type: string }>("select handler, type from handler_types where since = 0"))
    if (!Object.hasOwn(handlers, handler)) for (const [tenant, events] of Object.entries(types[type] ?? {})) add(db, handler, tenant, 0, events);
}

function add(db: ViewDatabase, handler: string, tenant: string, done: number, missed: number): void {
  db.run(
    `insert into archived_wanted(handler, tenant, done, missed) values (?, ?, ?, ?)
     on conflict do update set done = done + excluded.done, missed = missed + excluded.missed`,
    ...[handler, tenant, done, missed],
  );
}
