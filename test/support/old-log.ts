import { DatabaseSync } from "node:sqlite";

/** Turns a closed log.db into what builds of format 3 wrote: a file that cannot shrink. */
export function toFormat3(path: string): void {
  const db = new DatabaseSync(path);
  db.exec("pragma journal_mode=delete; pragma auto_vacuum=none; vacuum; pragma user_version=3; pragma journal_mode=wal");
  db.close();
}

/** Turns a closed log.db into what builds of format 2 wrote: no checksums. */
export function toFormat2(path: string): void {
  toFormat3(path);
  rewrite(
    path,
    `
    alter table events rename to events_3;
    create table events (
      position integer primary key, stream_id integer not null, revision integer not null, previous integer not null, id text not null, type text not null,
      schema_version integer not null, source text, occurred_at text, recorded_at integer not null, metadata text not null, data text not null
    ) strict;
    insert into events select position, stream_id, revision, previous, id, type, schema_version, source, occurred_at, recorded_at, metadata, data from events_3;
    drop table events_3;
    create index events_by_id on events (id);
    alter table streams drop column sum;
    alter table heads drop column sum;
    alter table tail drop column sum;
    pragma user_version = 2;
  `,
  );
}

/** Turns a closed log.db into what builds before format 2 wrote: an index by stream and revision, no links between the events of a stream. */
export function toFormat1(path: string): void {
  toFormat2(path);
  rewrite(
    path,
    `
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
  `,
  );
}

function rewrite(path: string, sql: string): void {
  const db = new DatabaseSync(path);
  db.exec(`begin; ${sql} commit;`);
  db.close();
}
