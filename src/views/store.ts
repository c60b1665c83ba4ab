import { existsSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import type { Catalog } from "../catalog/catalog.ts";
import { RepriseError } from "../errors.ts";
import type { Position, StoredEvent } from "../event/event.ts";
import { makePrivateFile, makePrivateFolder, tightenDatabase } from "../log/private-files.ts";
import { RowBuffer } from "../log/row-buffer.ts";
import { isDamage, ownerOf } from "./damage.ts";
import { openDatabase, type ViewDatabase, type WatchStatement } from "./database.ts";
import { type Folding, type Latest, type Projection, toEntry } from "./projection.ts";
import { amendments } from "./projections/amendments.ts";
import { deliveries } from "./projections/deliveries.ts";
import { entities } from "./projections/entities.ts";
import { eventColumns, eventIndex } from "./projections/event-index.ts";
import { handlers, refreshWanted } from "./projections/handlers.ts";
import { lanes } from "./projections/lanes.ts";
import { replays } from "./projections/replays.ts";
import { makeSnapshots, type Snapshots } from "./snapshots.ts";

/** Of tables and rules: a file of another number is built anew. */
const formatVersion = 9;
/** Marks the file as ours ("RPVW"), so that no other database is ever deleted. */
const applicationId = 0x52505657;

/** Of one transaction of a rebuild. */
const rebuildEvents = 50_000;

/** In this order, which matters: the event index looks at what was an entity's last event, which `entities` moves on; rows of deliveries say what lanes need to know. */
const projections: readonly Projection[] = [handlers, eventIndex, entities, deliveries, amendments, lanes, replays];

/** A file of rows with the position up to which they contain the log. */
export interface ViewStore {
  readonly file: string;
  readonly db: ViewDatabase;
  /** Why the rows were begun anew when the file was opened: it was damaged. Null: it was not. */
  readonly damage: string | null;
  /** From now on damage that anybody meets who reads or writes the rows is told, and comes as VIEW_BEHIND: whoever is told computes them anew. */
  watch(onDamage: (error: unknown) => void): void;
  /** Of the last event that the rows contain. */
  position(): Position;
  /**
   * Folds events, in log order, into the rows: all of them and the new position, or nothing.
   *
   * @param enough asked after each event: stop here.
   * @returns how many were folded.
   */
  fold(events: readonly StoredEvent[], enough: (folded: number) => boolean): number;
  /** Commits what was folded: in a store that is built anew `position` moves only then, and with every so many events. */
  settle(): void;
  isSettled(): boolean;
  /** Writes what is there already. @throws why that does not work. */
  probe(): void;
  readonly snapshots: Snapshots;
  close(): void;
}

/**
 * Opens the rows, or begins them anew: when there are none, when they are of another log or format, or damaged. They hold no truth.
 *
 * @param use `rebuild`: nobody reads the file before it is whole, and after a crash it is removed. Its transactions are long, since an entity's row is
 *   written once for each, and it has no write-ahead log.
 * @throws CONFIG_INVALID when the file is somebody else's database, or cannot be written.
 */
export function openViewStore(file: string, logId: string, catalog: Catalog, use: "live" | "rebuild" = "live", watch?: WatchStatement): ViewStore {
  const { db, damage } = openWritable(file, logId, catalog, watch);
  if (use === "rebuild") db.exec("pragma journal_mode = memory; pragma synchronous = off;");
  let position = BigInt(db.get<{ position: number }>("select position from meta")!.position);
  const events = new RowBuffer(
    eventColumns,
    (rows) => `insert or rollback into events values ${rows}`,
    (sql, values) => db.run(sql, ...values),
  );
  const snapshots = makeSnapshots(file, catalog, watch);
  const latest: Latest = { events, entities: [], types: new Map(), minutes: new Map() };
  const folding: Folding = { db, catalog, latest };
  /** What is in the rows, but not committed. */
  let open: { position: Position; events: number } | null = null;

  /** Positions of Reprise's own events that no projection can read: somebody else wrote them, and they would stop all rows for ever. */
  const unreadable = new Set<Position>();
  const foldOne = (event: StoredEvent): void => {
    if (unreadable.size > 0 && unreadable.has(event.position)) return;
    const entry = toEntry(db, event);
    if (entry === null) return;
    try {
      for (const projection of projections) projection.apply(folding, entry);
    } catch (error) {
      // A half applied one is rolled back with its transaction; at the next try it is passed over.
      if (entry.kind !== "event" && !isDiskTrouble(error) && unreadable.size < maxUnreadable) unreadable.add(event.position);
      throw error;
    }
  };
  const commit = (folded: Position): void => {
    for (const { settle } of projections) settle?.(folding);
    db.run("update meta set position = ?, again = ?", Number(folded), Number(folded));
    db.commit();
    open = null;
    position = folded;
  };
  const rollback = (): void => {
    open = null;
    events.clear();
    latest.entities.length = 0;
    for (const each of [latest.types, latest.minutes]) each.clear();
    db.rollback();
  };

  return {
    file,
    db,
    damage,
    watch(onDamage) {
      db.watch(onDamage);
      snapshots.watch(onDamage);
    },
    position: () => position,
    fold(events, enough) {
      if (events.length === 0) return 0;
      let folded = 0;
      try {
        if (open === null) db.begin();
        do foldOne(events[folded++]!);
        while (folded < events.length && !enough(folded));
        const last = events[folded - 1]!.position;
        open = { position: last, events: (open?.events ?? 0) + folded };
        if (use === "live" || open.events >= rebuildEvents) commit(last);
      } catch (error) {
        rollback();
        throw error;
      }
      return folded;
    },
    settle() {
      if (open === null) return;
      try {
        commit(open.position);
      } catch (error) {
        rollback();
        throw error;
      }
    },
    isSettled: () => open === null,
    probe() {
      if (open === null) db.transaction(() => db.run("update meta set rowid = rowid")); // of another column SQLite sees that nothing changes, and writes nothing
    },
    snapshots,
    close() {
      snapshots.close();
      db.close();
    },
  };
}

/** Own events of which the views pass over so many as unreadable; more is no slip of somebody's. */
const maxUnreadable = 10_000;
/** SQLITE_CONSTRAINT and SQLITE_MISMATCH: of values that a table does not take. */
const valueErrors = new Set([19, 20]);

/** SQLite could not do it, whatever it was: full, locked, damaged. */
function isDiskTrouble(error: unknown): boolean {
  const code = (error as { readonly errcode?: unknown } | null)?.errcode;
  return typeof code === "number" && !valueErrors.has(code & 0xff);
}

function openWritable(
  file: string,
  logId: string,
  catalog: Catalog,
  watch: WatchStatement | undefined,
): { readonly db: ViewDatabase; readonly damage: string | null } {
  try {
    makePrivateFolder(dirname(file));
    const { db, damage } = openUsable(file, logId, catalog, watch);
    if (db !== null) return { db, damage };
    const made = create(file, logId, watch);
    refreshWanted(made, catalog);
    return { db: made, damage };
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
  for (const suffix of ["", "-wal", "-shm", "-journal"]) rmSync(file + suffix, { force: true });
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
    configure(db);
    refreshWanted(db, catalog);
    return { db, damage: null };
  } catch (error) {
    db.close();
    if (owner === "ours" && isDamage(error)) return { db: null, damage: (error as Error).message };
    if (owner === "unmarked" && isDamage(error)) throw foreign("a damaged database");
    throw error;
  }
}

const metaTable = "create table meta(log_id text not null, position integer not null, again integer not null) strict";

function definitionsOf(db: ViewDatabase): string {
  return db
    .all<{ sql: string }>("select name || ' ' || coalesce(sql, '') as sql from sqlite_schema where name not like 'sqlite_stat%' order by name")
    .map(({ sql }) => sql)
    .join("\n");
}

let ours: string | null = null;

/** As `create` makes them. */
function ourDefinitions(): string {
  if (ours !== null) return ours;
  const model = openDatabase(":memory:");
  model.exec(metaTable);
  for (const { tables } of projections) model.exec(tables);
  ours = definitionsOf(model);
  model.close();
  return ours;
}

function create(file: string, logId: string, watch: WatchStatement | undefined): ViewDatabase {
  removeViewStore(file);
  makePrivateFile(file);
  const db = openDatabase(file, watch);
  configure(db);
  db.transaction(() => {
    db.exec(`pragma application_id = ${applicationId}; pragma user_version = ${formatVersion};`);
    db.exec(metaTable);
    for (const { tables } of projections) db.exec(tables);
    db.run("insert into meta(log_id, position, again) values (?, 0, 0)", logId);
  });
  return db;
}

/**
 * Rows that a power cut takes are folded again: no fsync for each commit. Rows of 64 events are on a hundred pages of eight trees: with a write-ahead log
 * of 32 MiB, SQLite's 4, a page is written to the file once for many commits.
 */
function configure(db: ViewDatabase): void {
  db.exec(
    "pragma journal_mode = wal; pragma synchronous = normal; pragma temp_store = memory; pragma cache_size = -12288; pragma wal_autocheckpoint = 8192; pragma journal_size_limit = 67108864",
  );
}
