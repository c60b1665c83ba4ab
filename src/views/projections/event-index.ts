import { entityOf } from "../entity-keys.ts";
import { type Folding, type Projection, recordedMsOf } from "../projection.ts";

const insert = "into events(position, entity, revision, id, tenant, type, schema_version, entity_type, source, correlation_id, recorded_ms) values";
const columns = 11;
const parameters = `(${Array.from({ length: columns }, () => "?").join(", ")})`;
/** Events that one statement inserts: a statement for each, which opens the table and its indexes each time, costs half as much again. */
const rowsAtOnce = 16;
const insertOne = `insert ${insert} ${parameters}`;
// Not "or abort", the default: to undo a statement of several rows SQLite would copy each page before it is changed.
const insertMany = `insert or rollback ${insert} ${Array.from({ length: rowsAtOnce }, () => parameters).join(", ")}`;

function writeEvents({ db, latest: { events } }: Folding): void {
  if (events.length === columns * rowsAtOnce) db.run(insertMany, ...events);
  else for (let row = 0; row < events.length; row += columns) db.run(insertOne, ...events.slice(row, row + columns));
  events.length = 0;
}

/** Where each event is, by what people look for. Its data stays in the log. */
export const eventIndex: Projection = {
  tables: `
    create table events(
      position integer primary key, entity integer not null, revision integer not null, id text not null, tenant text not null, type text not null,
      schema_version integer not null, entity_type text not null, source text, correlation_id text, recorded_ms integer not null
    ) strict;
    create unique index events_by_entity on events(entity, revision, type);
    create index events_by_id on events(id);
    create index events_by_tenant on events(tenant);
    create index events_by_type on events(tenant, type);
    create index events_by_entity_type on events(tenant, entity_type);
    create index events_by_source on events(tenant, source);
    create index events_by_correlation on events(correlation_id) where correlation_id is not null;

    -- How many events of each stored type there are.
    create table types(type text primary key, events integer not null) strict, without rowid;
    -- The positions of each minute's events: times become positions by it, whatever the log's clock did.
    create table minutes(minute integer primary key, first_position integer not null, last_position integer not null) strict;
  `,
  apply(folding, { kind, event }) {
    if (kind !== "event") {
      writeEvents(folding); // the other projections look for the event that the entry is about
      return;
    }
    const { db, latest } = folding;
    const position = Number(event.position);
    const recordedMs = recordedMsOf(event);
    latest.events.push(
      position,
      entityOf(db, event.stream).id,
      event.revision,
      event.id,
      event.tenant,
      event.type,
      event.schemaVersion,
      event.entity.type,
      event.source,
      event.metadata.correlationId ?? null,
      recordedMs,
    );
    if (latest.events.length === columns * rowsAtOnce) writeEvents(folding);
    latest.types.set(event.type, (latest.types.get(event.type) ?? 0) + 1);
    const minute = Math.floor(recordedMs / 60_000);
    const positions = latest.minutes.get(minute);
    if (positions === undefined) latest.minutes.set(minute, { first: position, last: position });
    else positions.last = position;
  },
  settle(folding) {
    writeEvents(folding);
    const { db, latest } = folding;
    for (const [type, events] of latest.types)
      db.run("insert into types(type, events) values (?, ?) on conflict do update set events = events + excluded.events", type, events);
    for (const [minute, { first, last }] of latest.minutes)
      db.run(
        "insert into minutes(minute, first_position, last_position) values (?, ?, ?) on conflict do update set last_position = excluded.last_position",
        minute,
        first,
        last,
      );
    latest.types.clear();
    latest.minutes.clear();
  },
};
