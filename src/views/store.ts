import type { Catalog } from "../catalog/catalog.ts";
import type { ViewDatabase, WatchStatement } from "./database.ts";
import { refreshWanted } from "./projections/handlers.ts";
import { eventsPerCommit, makeRowFold, type RowFold } from "./row-fold.ts";
import { makeSharedSnapshots, makeSnapshots, type Snapshots } from "./snapshots.ts";
import { configureStore, inMemory, openWritable, probeStore } from "./store-file.ts";

/** A file of rows with the position up to which they contain the log. */
export interface ViewStore extends RowFold {
  readonly file: string;
  readonly db: ViewDatabase;
  /** How the file was damaged when it was opened, so that the rows were begun anew; null when it was not. */
  readonly damage: string | null;
  /** From now on, a read or write that meets damage tells `onDamage`, which has the rows computed anew, and throws VIEW_BEHIND. */
  watch(onDamage: (error: unknown) => void): void;
  /** Writes what is there already. @throws the reason when the file cannot be written. */
  probe(): void;
  readonly snapshots: Snapshots;
  close(): void;
}

/**
 * Opens the rows. It begins them anew when there are none, when they belong to another log or format, and when they are damaged: the log has everything.
 *
 * @param use With `rebuild` nobody reads the file before it is whole, and it is removed after a crash. It has no write-ahead log, and its transactions are
 *   long, because each transaction writes an entity's row once.
 * @throws CONFIG_INVALID when the file is somebody else's database, or cannot be written.
 */
export function openViewStore(file: string, logId: string, catalog: Catalog, use: "live" | "rebuild" = "live", watch?: WatchStatement): ViewStore {
  const { db, damage } = openWritable(file, logId, catalog, watch);
  if (use === "rebuild") configureStore(db, use);
  const rows = makeRowFold(db, () => refreshWanted(db, catalog), eventsPerCommit[use]);
  const snapshots = file === inMemory ? makeSharedSnapshots(db) : makeSnapshots(file, catalog, watch);

  return {
    file,
    db,
    damage,
    watch(onDamage) {
      db.watch(onDamage);
      snapshots.watch(onDamage);
    },
    ...rows,
    probe: () => probeStore(db, rows),
    snapshots,
    close() {
      snapshots.close();
      db.close();
    },
  };
}
