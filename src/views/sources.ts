import { setImmediate as nextTurn } from "node:timers/promises";
import type { Catalog } from "../catalog/catalog.ts";
import type { Clock } from "../event/clock.ts";
import type { EventLog } from "../log/event-log.ts";
import type { LiveRows } from "./live-rows.ts";
import type { RunningDeliveries } from "./model/running.ts";
import type { Sources } from "./queries/context.ts";

interface SourcesOptions {
  readonly log: EventLog;
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly running: RunningDeliveries;
}

/** What all queries read from. */
export function makeSources(live: LiveRows, { log, catalog, clock, running }: SourcesOptions): Sources {
  const sources: Sources = {
    db() {
      live.refuseWhenClosed();
      return live.current().store.db;
    },
    async atOneMoment(work) {
      for (;;) {
        live.refuseWhenClosed();
        const { snapshots } = live.current().store;
        try {
          return await snapshots.read((db) => work({ ...sources, db: () => db, atOneMoment: (inner) => inner({ ...sources, db: () => db }) }));
        } catch (error) {
          if (!snapshots.closed || live.isClosed()) throw error;
          await nextTurn(); // a rebuild took the file away: the new file is read instead
        }
      }
    },
    log,
    catalog,
    running,
    now: () => clock.now(),
  };
  return sources;
}
