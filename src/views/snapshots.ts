import type { Catalog } from "../catalog/catalog.ts";
import { FairLine } from "../event/fair-line.ts";
import { workOwner } from "../event/turns.ts";
import { openDatabase, type ViewDatabase, type WatchStatement } from "./database.ts";
import { refreshWanted } from "./projections/handlers.ts";

/**
 * Connections for queries that need one moment of the rows over several turns: figures that have to fit together are counted part by part while the projector
 * goes on. The write-ahead log keeps the rows of that moment until the queries end.
 */
export interface Snapshots {
  /** As of a `ViewDatabase`, for every connection that is opened from now on. */
  watch(onDamage: (error: unknown) => void): void;
  /** Waits for its turn where others look. @param work does not write. */
  read<T>(work: (db: ViewDatabase) => Promise<T>): Promise<T>;
  /** At once: whoever reads now fails. The file may be replaced then. */
  close(): void;
  readonly closed: boolean;
}

/** For rows in memory, which no second connection sees: all parts of a query read the rows as they are then. Figures fit together while nothing is appended. */
export function makeSharedSnapshots(db: ViewDatabase): Snapshots {
  let closed = false;
  return {
    watch() {},
    get closed() {
      return closed;
    },
    async read(work) {
      if (closed) throw new Error("The rows were taken away.");
      return work(db);
    },
    close() {
      closed = true;
    },
  };
}

/** Each has a cache of pages; with more they would only share the thread. */
const maxConnections = 2;

export function makeSnapshots(file: string, catalog: Catalog, watch: WatchStatement | undefined): Snapshots {
  const connections: ViewDatabase[] = [];
  const idle: ViewDatabase[] = [];
  /** By tenants in turn: one that asks for a hundred counts lets the others' in between. */
  const waiting = new FairLine<() => void>();
  let used = 0;
  let closed = false;
  let damaged: ((error: unknown) => void) | null = null;

  function open(): ViewDatabase {
    const db = openDatabase(file, watch);
    if (damaged !== null) db.watch(damaged);
    db.exec("pragma cache_size = -2048; pragma temp_store = memory");
    connections.push(db);
    return db;
  }

  return {
    watch(onDamage) {
      damaged = onDamage;
    },
    get closed() {
      return closed;
    },
    async read(work) {
      while (used >= maxConnections && !closed) await new Promise<void>((resolve) => waiting.push(workOwner() ?? "", resolve));
      if (closed) throw new Error("The rows were taken away.");
      used++;
      const db = idle.pop() ?? open();
      try {
        db.exec("begin");
        refreshWanted(db, catalog);
        return await work(db);
      } finally {
        used--;
        if (!closed) {
          db.rollback();
          idle.push(db);
        }
        waiting.shift()?.();
      }
    },
    close() {
      closed = true;
      for (const db of connections) db.close();
      for (let wake = waiting.shift(); wake !== undefined; wake = waiting.shift()) wake();
    },
  };
}
