import { type AnyProjection, entryKinds, recordedMsOf } from "../projection.ts";
import { typeCountTables } from "./type-counts.ts";

/** In UTC, of a minute since 1970. */
export const dayOf = (minute: number): number => Math.floor(minute / 1440);

/** Of the table `events`, in the order of its definition. */
export const eventColumns = 12;
/** Revisions of an entity from a mark to the next. */
const revisionsPerMark = 64;

/**
 * Where each event is, by what people look for. Its data stays in the log. An entity's events are found by the links between them: `previous` is the
 * position of the one before (0 for none), `entities.position` the last, and `event_marks` the first of each 64 revisions (but the first 64). An index by
 * entity and revision cost a page for each event once each entity had pages of its own.
 */
export const eventIndex: AnyProjection = {
  takes: entryKinds,
  tables: `
    create table events(
      position integer primary key, entity integer not null, revision integer not null, previous integer not null, id text not null, tenant text not null, type text not null,
      schema_version integer not null, entity_type text not null, source text, correlation_id text, recorded_ms integer not null
    ) strict;
    create index events_by_id on events(id);
    create index events_by_tenant on events(tenant);
    create index events_by_type on events(tenant, type);
    create index events_by_entity_type on events(tenant, entity_type);
    create index events_by_source on events(tenant, source);
    create index events_by_correlation on events(correlation_id) where correlation_id is not null;

    create table event_marks(entity integer not null, revision integer not null, position integer not null, primary key (entity, revision)) strict, without rowid;

${typeCountTables}
    -- The positions of each minute's events: times become positions by it, whatever the log's clock did.
    create table minutes(minute integer primary key, first_position integer not null, last_position integer not null) strict;
    -- The same of each day: a time years back would else look at each minute since.
    create table days(day integer primary key, first_position integer not null, last_position integer not null) strict;
  `,
  apply(folding, input) {
    if (input.kind !== "event") {
      folding.latest.events.write(); // the other projections look for the event that the entry is about
      return;
    }
    const { event, entity } = input;
    const { db, latest } = folding;
    const position = Number(event.position);
    const recordedMs = recordedMsOf(event);
    if (entity.revision >= 0 && Math.floor(entity.revision / revisionsPerMark) !== Math.floor(event.revision / revisionsPerMark))
      db.run("insert into event_marks(entity, revision, position) values (?, ?, ?)", entity.id, event.revision, position);
    latest.events.add(
      position,
      entity.id,
      event.revision,
      entity.position,
      event.id,
      event.tenant,
      event.type,
      event.schemaVersion,
      event.entity.type,
      event.source,
      event.metadata.correlationId ?? null,
      recordedMs,
    );
    latest.types.add(event.tenant, event.type, event.schemaVersion, 1);
    const minute = Math.floor(recordedMs / 60_000);
    const positions = latest.minutes.get(minute);
    if (positions === undefined) latest.minutes.set(minute, { first: position, last: position });
    else positions.last = position;
  },
  settle(folding) {
    const { db, latest } = folding;
    latest.events.write();
    latest.types.write(db);
    for (const [minute, { first, last }] of latest.minutes)
      for (const [table, key, time] of [
        ["minutes", "minute", minute],
        ["days", "day", dayOf(minute)],
      ] as const)
        db.run(
          `insert into ${table}(${key}, first_position, last_position) values (?, ?, ?)
           on conflict do update set first_position = min(first_position, excluded.first_position), last_position = max(last_position, excluded.last_position)`,
          time,
          first,
          last,
        );
    latest.minutes.clear();
  },
};
