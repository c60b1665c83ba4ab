import { setImmediate as nextTurn } from "node:timers/promises";
import type { Catalog } from "../catalog/catalog.ts";
import { RepriseError } from "../errors.ts";
import type { Clock } from "../event/clock.ts";
import { type Position, positionText } from "../event/event.ts";
import type { EventLog } from "../log/event-log.ts";
import type { WatchStatement } from "./database.ts";
import type { RunningDeliveries } from "./model/running.ts";
import type { Views } from "./model/views.ts";
import { makePositionWaiters, type PositionWaiters } from "./position-waiters.ts";
import { makeProjector } from "./projector.ts";
import type { Sources } from "./queries/context.ts";
import { makeDeadLetterQueries } from "./queries/dead-letter-queries.ts";
import { makeEntityQueries } from "./queries/entity-queries.ts";
import { makeEventQueries } from "./queries/event-queries.ts";
import { makeHandlerQueries } from "./queries/handler-queries.ts";
import { makeHistoryQueries } from "./queries/history-queries.ts";
import { makeKnownNames } from "./queries/known-names.ts";
import { makeReplayQueries } from "./queries/replay-queries.ts";
import { type Rows, rebuildFile, rebuildRows } from "./rebuild.ts";
import { openViewStore, removeViewStore } from "./store.ts";

export interface ViewsOptions {
  /** SQLite file of the rows. Its folder is made; it may be deleted while nothing has it open. */
  readonly file: string;
  readonly log: EventLog;
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly running: RunningDeliveries;
  /** Told when projecting failed (the log is away, the disk is full); it goes on by itself after a wait. */
  readonly onTrouble?: (error: unknown) => void;
  /** Told that the rows are damaged, and that they are computed again from the log by themselves. */
  readonly onDamage?: (why: string) => void;
  /** Told of each statement on the rows: for tests. */
  readonly watch?: WatchStatement;
}

export interface OpenViews extends Views {
  /** May be called twice. */
  start(): void;
  /** Why they do not go on just now; null while they do. */
  trouble(): string | null;
  /** Writes what they hold already. @throws why they could not be written. */
  probe(): Promise<void>;
}

const waitForMs = 5000;
/** When rows that are damaged could not be computed anew. */
const healAgainMs = 10_000;

/**
 * Opens the views as they were left; `start` begins to project. Rows of another log or format, or damaged ones, begin anew.
 *
 * @throws LOG_BEHIND_CHECKPOINT when the rows contain more than the log, CONFIG_INVALID when the file is another's.
 */
export async function openViews({ file, log, catalog, clock, running, onTrouble = () => {}, onDamage = () => {}, watch }: ViewsOptions): Promise<OpenViews> {
  let started = false;
  let closed = false;
  let rebuilding: Promise<void> | null = null;
  let healing = false;
  let fresh: Rows | null = null;

  function openRows(at: string, waiters: PositionWaiters, { from = 0n, use = "live" }: { from?: Position; use?: "live" | "rebuild" } = {}): Rows {
    const store = openViewStore(at, log.logId, catalog, use, watch);
    if (store.damage !== null) onDamage(store.damage);
    if (use === "live") store.watch(heal);
    const projector = makeProjector({ store, log, clock, from, onTrouble, onMoved: () => waiters.moved(projector.position()) });
    return { store, projector, waiters };
  }

  removeViewStore(rebuildFile(file)); // of a rebuild that was cut off
  const waiters = makePositionWaiters(() => rows.projector.position());
  let rows = openRows(file, waiters);
  const head = await log.head();
  if (rows.store.position() > head) {
    rows.store.close();
    throw new RepriseError("LOG_BEHIND_CHECKPOINT", `The views in ${file} contain the log up to ${rows.store.position()}, but it ends at ${head}.`);
  }

  /** Once for each file: whatever else is met in it goes with it. */
  function heal(error: unknown): void {
    if (healing || closed) return;
    healing = true;
    onDamage(error instanceof Error ? error.message : String(error));
    const again = (): void => {
      if (closed) return;
      startRebuild().then(
        () => {
          healing = false;
        },
        (failure: unknown) => {
          onTrouble(failure);
          clock.after(healAgainMs, again);
        },
      );
    };
    queueMicrotask(again); // whoever met it is in the midst of it
  }

  function startRebuild(): Promise<void> {
    rebuilding ??= rebuild().finally(() => {
      rebuilding = null;
    });
    return rebuilding;
  }

  const refuseWhenClosed = () => {
    if (closed) throw new RepriseError("CLOSED", "The views are closed.");
  };
  const sources: Sources = {
    db() {
      refuseWhenClosed();
      return rows.store.db;
    },
    async atOneMoment(work) {
      for (;;) {
        refuseWhenClosed();
        const { snapshots } = rows.store;
        try {
          return await snapshots.read((db) => work({ ...sources, db: () => db, atOneMoment: (inner) => inner({ ...sources, db: () => db }) }));
        } catch (error) {
          if (!snapshots.closed || closed) throw error;
          await nextTurn(); // a rebuild took the file away: again, in the new one
        }
      }
    },
    log,
    catalog,
    running,
    now: () => clock.now(),
  };

  async function rebuild(): Promise<void> {
    const head = await log.head();
    refuseWhenClosed();
    const building: Rows = openRows(
      rebuildFile(file),
      makePositionWaiters(() => building.projector.position()),
      { use: "rebuild" },
    );
    fresh = building;
    const rebuilt = await rebuildRows(rows, building, head, (from) => openRows(file, waiters, { from }));
    fresh = null;
    rows = rebuilt.rows;
    if (started && !closed) rows.projector.start();
    if (rebuilt.error !== undefined) throw rebuilt.error;
  }

  return {
    start() {
      refuseWhenClosed();
      started = true;
      rows.projector.start();
    },
    trouble: () => rows.projector.trouble(),
    async probe() {
      if (!closed) rows.store.probe();
    },
    position: () => positionText(rows.projector.position()),
    async waitFor(position, timeoutMs = waitForMs) {
      refuseWhenClosed();
      const wait = waiters.until(BigInt(position));
      const timer = clock.after(timeoutMs, () =>
        wait.cancel(new RepriseError("VIEW_BEHIND", `The views are at ${rows.projector.position()}, before ${position}.`, { retryAfterMs: 1000 })),
      );
      try {
        await wait.reached;
      } finally {
        timer.cancel();
      }
    },

    ...makeEventQueries(sources),
    ...makeEntityQueries(sources),
    ...makeDeadLetterQueries(sources),
    ...makeHandlerQueries(sources),
    ...makeKnownNames(sources),
    ...makeReplayQueries(sources),
    ...makeHistoryQueries(sources),

    rebuild: startRebuild,
    async close() {
      if (closed) return;
      closed = true;
      const end = new RepriseError("CLOSED", "The views were closed.");
      fresh?.waiters.end(end);
      await rebuilding?.catch(() => {});
      waiters.end(end);
      await rows.projector.stop();
      rows.store.close();
    },
  };
}
