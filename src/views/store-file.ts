import { existsSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import type { Catalog } from "../catalog/catalog.ts";
import { RepriseError } from "../errors.ts";
import { makePrivateFile, makePrivateFolder, tightenDatabase } from "../log/private-files.ts";
import { isDamage, ownerOf } from "./damage.ts";
import { openDatabase, type ViewDatabase, type WatchStatement } from "./database.ts";
import { projections } from "./projections/all.ts";
import { refreshWanted } from "./projections/handlers.ts";
import type { RowFold } from "./row-fold.ts";
import { definitionsOf, metaTable, ourDefinitions } from "./store-tables.ts";

/** Of tables and rules: a file of another number is built anew. */
export const formatVersion = 28;

/** In place of a file: rows that are gone with the process. */
export const inMemory = ":memory:";

/** Marks the file as ours ("RPVW"), so that no other database is ever deleted. */
export const applicationId = 0x52505657;

export function openWritable(
  file: string,
  logId: string,
  catalog: Catalog,
  watch: WatchStatement | undefined,
): { readonly db: ViewDatabase; readonly damage: string | null } {
  try {
    if (file === inMemory) return { db: create(file, logId, watch, catalog), damage: null };
    makePrivateFolder(dirname(file));
    const { db, damage } = openUsable(file, logId, catalog, watch);
    if (db !== null) return { db, damage };
    return { db: create(file, logId, watch, catalog), damage };
  } catch (error) {
    if (!(error instanceof Error && ("errcode" in error || "syscall" in error))) throw error;
    throw new RepriseError(
      "CONFIG_INVALID",
      `The views in ${file} cannot be used: ${error.message}. Let this user write there, make room, or name another folder in REPRISE_DATA.`,
      {
        cause: error,
      },
    );
  }
}

/** Removes a store's file and what SQLite keeps beside it. */
export function removeViewStore(file: string): void {
  if (file === inMemory) return;
  rmSync(file, { force: true });
  removeBeside(file);
}

/**
 * Removes what SQLite keeps beside a store's file that is closed: its last connection does that, but not while another program reads the file. A new file in its
 * place would be read with the old one's write-ahead log.
 */
export function removeBeside(file: string): void {
  for (const suffix of ["-wal", "-shm", "-journal"]) rmSync(file + suffix, { force: true });
}

/** `db` null: to be made anew; `damage`: since the file is damaged. @throws CONFIG_INVALID for another's file, which is left as it is. */
function openUsable(
  file: string,
  logId: string,
  catalog: Catalog,
  watch: WatchStatement | undefined,
): { readonly db: ViewDatabase | null; readonly damage: string | null } {
  if (!existsSync(file)) return { db: null, damage: null };
  const foreign = (what: string) =>
    new RepriseError("CONFIG_INVALID", `${file} is ${what}, but none of Reprise's views, and is left as it is: move it away, or point REPRISE_DATA elsewhere.`);
  const owner = ownerOf(file, applicationId);
  if (owner === "another") throw foreign("a file of something else");
  if (owner === "ours") tightenDatabase(file);
  const db = openDatabase(file, watch);
  try {
    // Killed before its first checkpoint, our own file bears its mark only in the write-ahead log.
    const marked = Object.values(db.get<Record<string, number>>("pragma application_id") ?? {})[0] === applicationId;
    if (marked) tightenDatabase(file);
    else if (owner === "unmarked") {
      if (db.get("select 1 from sqlite_schema limit 1") !== undefined) throw foreign("a database");
      db.close();
      return { db: null, damage: null };
    }
    const version = Object.values(db.get<Record<string, number>>("pragma user_version") ?? {})[0];
    const found = definitionsOf(db);
    if (version !== formatVersion) {
      db.close();
      return { db: null, damage: null };
    }
    const meta =
      found === ourDefinitions() ? db.get<{ log_id: string; position: number; again: number }>("select log_id, position, again from meta") : undefined;
    if (meta === undefined || meta.position !== meta.again) {
      db.close();
      return { db: null, damage: "its tables or its position are not what was written" };
    }
    if (meta.log_id !== logId) {
      db.close();
      return { db: null, damage: null };
    }
    configureStore(db, "live");
    refreshWanted(db, catalog);
    return { db, damage: null };
  } catch (error) {
    db.close();
    if (owner === "ours" && isDamage(error)) return { db: null, damage: (error as Error).message };
    if (owner === "unmarked" && isDamage(error)) throw foreign("a damaged database");
    throw error;
  }
}

function create(file: string, logId: string, watch: WatchStatement | undefined, catalog: Catalog): ViewDatabase {
  removeViewStore(file);
  if (file !== inMemory) makePrivateFile(file);
  const db = openDatabase(file, watch);
  configureStore(db, "live");
  db.transaction(() => {
    db.exec(`pragma application_id = ${applicationId}; pragma user_version = ${formatVersion};`);
    db.exec(metaTable);
    for (const { tables } of projections) db.exec(tables);
    db.run("insert into meta(log_id, position, again) values (?, 0, 0)", logId);
  });
  refreshWanted(db, catalog);
  return db;
}

/**
 * Rows that a power cut takes are folded again: no fsync for each commit. Rows of 64 events are on a hundred pages of eight trees: with a write-ahead log
 * of 8 MiB, not SQLite's 4, a page is written to the file once for many commits. With 32 MiB the disk writes a twentieth less, but all at once: see
 * apart/early-syncs.ts. Twice as many pages in memory take as long, but no page is written before its transaction ends. A rebuild has more events in one.
 */
export function configureStore(db: ViewDatabase, use: "live" | "rebuild"): void {
  db.exec(
    "pragma journal_mode = wal; pragma synchronous = normal; pragma temp_store = memory; pragma cache_size = -6144; pragma cache_spill = 3072; pragma wal_autocheckpoint = 2048; pragma journal_size_limit = 67108864",
  );
  if (use === "rebuild") db.exec("pragma journal_mode = memory; pragma synchronous = off; pragma cache_size = -12288");
}

/** Writes what is there already. @throws the reason when the file cannot be written. */
export function probeStore(db: ViewDatabase, rows: Pick<RowFold, "isSettled">): void {
  if (rows.isSettled()) db.transaction(() => db.run("update meta set rowid = rowid")); // of another column SQLite sees that nothing changes, and writes nothing
}
