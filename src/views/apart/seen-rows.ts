import type { Catalog } from "../../catalog/catalog.ts";
import type { Position } from "../../event/event.ts";
import type { ViewDatabase } from "../database.ts";
import { refreshWanted } from "../projections/handlers.ts";
import type { SharedPlaces } from "./shared-places.ts";

/** Rows that another thread writes, as the reads of this turn see them. */
export interface SeenRows {
  /** The rows that are read now contain all up to here. */
  position(): Position;
  /** The next read sees the rows as they are then. */
  renew(): void;
}

/** @param hurry ends a rest of the other thread: the next reads see what came meanwhile. */
export function makeSeenRows(db: ViewDatabase, shared: SharedPlaces, catalog: Catalog, hurry: () => void): SeenRows {
  db.entities.clear(); // only the thread that writes needs them, and most of the pages
  db.exec("pragma cache_size = -1024; pragma shrink_memory");
  let seen = shared.rows;
  let wanted = -1;
  const turns = db.readInTurns({
    // What is known before the rows are read is in them: the thread commits first, and then says so.
    before: () => ({ reached: shared.rows, changed: shared.wanted }),
    begun({ reached, changed }) {
      const committed = BigInt(db.get<{ position: number }>("select position from meta")!.position);
      seen = committed > reached ? committed : reached;
      if (changed !== wanted) refreshWanted(db, catalog);
      wanted = changed;
      if (shared.endsRest()) hurry();
    },
  });
  return {
    position: () => (turns.isOpen() ? seen : shared.rows),
    renew: turns.end,
  };
}
