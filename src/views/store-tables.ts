import { openDatabase, type ViewDatabase } from "./database.ts";
import { projections } from "./projections/all.ts";

export const metaTable = "create table meta(log_id text not null, position integer not null, again integer not null) strict";

/** The tables and indexes of a database, as text that can be compared. */
export function definitionsOf(db: Pick<ViewDatabase, "all">): string {
  return db
    .all<{ sql: string }>("select name || ' ' || coalesce(sql, '') as sql from sqlite_schema where name not like 'sqlite_stat%' order by name")
    .map(({ sql }) => sql)
    .join("\n");
}

let ours: string | null = null;

/** The tables and indexes that a new store has. */
export function ourDefinitions(): string {
  if (ours !== null) return ours;
  const model = openDatabase(":memory:");
  model.exec(metaTable);
  for (const { tables } of projections) model.exec(tables);
  ours = definitionsOf(model);
  model.close();
  return ours;
}
