import { DatabaseSync } from "node:sqlite";

/** Turns a closed log.db into what builds before format 2 wrote: an index by stream and revision, no links between the events of a stream. */
export function toFormat1(path: string): void {
  const db = new DatabaseSync(path);
  db.exec(`
    begin;
    alter table events rename to events_2;
    create table events (
      position integer primary key, stream_id integer not null, revision integer not null, id text not null, type text not null,
      schema_version integer not null, source text, occurred_at text, recorded_at integer not null, metadata text not null, data text not null,
      unique (stream_id, revision)
    ) strict;
    insert into events select position, stream_id, revision, id, type, schema_version, source, occurred_at, recorded_at, metadata, data from events_2;
    drop table events_2;
    create index events_by_id on events (id);
    drop table heads;
    drop table marks;
    pragma user_version = 1;
    commit;
  `);
  db.close();
}
