import { DatabaseSync } from "node:sqlite";

/** Grows when older builds can no longer read the file. */
export const formatVersion = 4;

/**
 * Format 3 is format 4 in a file that cannot give room back: SQLite decides that with the first table. A log of it stays as it is, and its free pages take new
 * events, until `freeRoom` is asked to write the whole file again.
 */
export const formatWithoutShrinking = 3;

/** Whether the rows of a format have checksums. */
export function isSummed(format: number): boolean {
  return format >= formatWithoutShrinking;
}

/** Events of one stream from a row of `marks` to the next: the most events that a search for one of them walks. */
export const eventsPerMark = 64;

/**
 * An event knows the position of the one before it in its stream (`previous`, 0 for none), `heads` the last event of each stream, and `marks` each
 * 64th: from there a stream is walked backwards. An index by stream and revision would do the same, but an append would then change a page of it that no
 * other stream shares: over 10,000 streams events came in three times as slowly once each of them had such pages (docs/performance-limits.md).
 * `streams.first` is the lowest revision that is still there, and `tail` the last position that may no longer be: they are written only by a truncation.
 * `data` comes last, so that a filter that looks at the columns before it does not read a large payload's pages. For the sums see sums.ts.
 */
export const eventsTable = `
  create table events (
    position integer primary key, stream_id integer not null, revision integer not null, previous integer not null, id text not null, type text not null,
    schema_version integer not null, source text, occurred_at text, recorded_at integer not null, data_sum integer not null, sum integer not null,
    metadata text not null, data text not null
  ) strict;
`;

export const headsTable = `
  create table heads (stream_id integer primary key, revision integer not null, position integer not null, sum integer not null) strict;
`;

export const marksTable = `
  create table marks (stream_id integer not null, revision integer not null, position integer not null, primary key (stream_id, revision)) strict, without rowid;
`;

export const streamsTable = `
  create table streams (id integer primary key, name text not null unique, tenant text not null, first integer not null, sum integer not null) strict;
`;

export const tailTable = `
  create table tail (one integer primary key check (one = 1), position integer not null, recorded_at integer not null, sum integer not null) strict;
`;

export const tables = `${streamsTable} ${eventsTable} create index events_by_id on events (id); ${headsTable} ${marksTable} ${tailTable}`;

/** Finds a definition that differs from this build's; null: none. */
export function schemaProblem(db: DatabaseSync, summed: boolean): string | null {
  const select = "select type || ' ' || name || ' ' || coalesce(sql, '') from sqlite_schema where type in ('table', 'index') order by name";
  const of = (of: DatabaseSync) => (of.prepare(select, { returnArrays: true }).all() as unknown as readonly (readonly [string])[]).flat();
  const found = of(db);
  if (!summed) return found.some((text) => /^table events .*data_sum/s.test(text)) ? "its format number is older than its tables" : null;
  const model = new DatabaseSync(":memory:");
  try {
    model.exec(tables);
    const wanted = of(model);
    return wanted.length === found.length && wanted.every((text, at) => flat(text) === flat(found[at]!))
      ? null
      : "its tables are not defined as this build defines them";
  } finally {
    model.close();
  }
}

const flat = (sql: string) => sql.replaceAll(/\s+/g, " ");
