import { DatabaseSync } from "node:sqlite";

/** A database with the tables, indexes and durability of the log at `path`, and no rows. */
export function emptyTwin(path: string, twinPath: string): DatabaseSync {
  const log = new DatabaseSync(path, { readOnly: true });
  const definitions = log.prepare("select sql from sqlite_schema where sql is not null").all() as unknown as readonly { readonly sql: string }[];
  log.close();
  const db = new DatabaseSync(twinPath);
  db.exec("pragma journal_mode=wal; pragma synchronous=full; pragma fullfsync=on; pragma checkpoint_fullfsync=on; pragma cache_size=-8192");
  for (const { sql } of definitions) db.exec(sql);
  return db;
}
