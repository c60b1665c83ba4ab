import type { Catalog } from "../catalog/catalog.ts";
import { RepriseError } from "../errors.ts";
import type { Clock } from "../event/clock.ts";
import type { Position } from "../event/event.ts";
import type { EventLog } from "../log/event-log.ts";
import type { WatchStatement } from "./database.ts";
import { makeHealing } from "./healing.ts";
import { makePositionWaiters, type PositionWaiters } from "./position-waiters.ts";
import { makeProjector } from "./projector.ts";
import { type Rows, rebuildFile, rebuildInMemory, rebuildRows } from "./rebuild.ts";
import { openViewStore } from "./store.ts";
import { inMemory, removeViewStore } from "./store-file.ts";

export interface LiveRowsOptions {
  /** SQLite file of the rows, or `:memory:`. Its folder is made; it may be deleted while nothing has it open. */
  readonly file: string;
  readonly log: EventLog;
  readonly catalog: Catalog;
  readonly clock: Clock;
  /** Told when projecting failed (the log is away, the disk is full). Projecting goes on by itself after a wait. */
  readonly onTrouble?: (error: unknown) => void;
  /** Told that the rows are damaged. They are computed again from the log by themselves. */
  readonly onDamage?: (why: string) => void;
  /** Told of each statement on the rows: for tests. */
  readonly watch?: WatchStatement;
}

/** The rows that are read, and the rebuilds that replace them. */
export interface LiveRows {
  /** The rows as they are now. Ask again after every wait, because a rebuild replaces them; their `waiters` stay. */
  current(): Rows;
  isClosed(): boolean;
  /** @throws CLOSED */
  refuseWhenClosed(): void;
  /** May be called twice. */
  start(): void;
  /** A second call joins the first. */
  rebuild(): Promise<void>;
  close(): Promise<void>;
}

/** @throws LOG_BEHIND_CHECKPOINT when the rows contain more than the log, CONFIG_INVALID when the file belongs to another program. */
export async function openLiveRows({ file, log, catalog, clock, onTrouble = () => {}, onDamage = () => {}, watch }: LiveRowsOptions): Promise<LiveRows> {
  let started = false;
  let closed = false;
  let rebuilding: Promise<void> | null = null;
  let fresh: Rows | null = null;
  const isClosed = () => closed;
  const heal = makeHealing({ clock, isClosed, rebuild: startRebuild, onDamage, onTrouble });

  function openRows(at: string, waiters: PositionWaiters, { from = 0n, use = "live" }: { from?: Position; use?: "live" | "rebuild" } = {}): Rows {
    const store = openViewStore(at, log.logId, catalog, use, watch);
    if (store.damage !== null) onDamage(store.damage);
    if (use === "live") store.watch(heal);
    const projector = makeProjector({ store, log, clock, from, onTrouble, onMoved: () => waiters.moved(projector.position()) });
    return { store, projector, waiters };
  }

  removeViewStore(rebuildFile(file)); // a rebuild may have been cut off
  const waiters = makePositionWaiters(() => rows.projector.position());
  let rows = openRows(file, waiters);
  await refuseBeyondLog(rows, file, log);

  function startRebuild(): Promise<void> {
    rebuilding ??= rebuild().finally(() => void (rebuilding = null));
    return rebuilding;
  }

  async function rebuild(): Promise<void> {
    const head = await log.head();
    refuseWhenClosed();
    if (file === inMemory) return rebuildInMemory(rows, () => (rows = openRows(file, waiters)), head);
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

  function refuseWhenClosed(): void {
    if (closed) throw new RepriseError("CLOSED", "The views are closed.");
  }

  return {
    current: () => rows,
    isClosed,
    refuseWhenClosed,
    start() {
      refuseWhenClosed();
      started = true;
      rows.projector.start();
    },
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

async function refuseBeyondLog({ store }: Rows, file: string, log: EventLog): Promise<void> {
  const head = await log.head();
  if (store.position() <= head) return;
  store.close();
  throw new RepriseError("LOG_BEHIND_CHECKPOINT", `The views in ${file} contain the log up to ${store.position()}, but it ends at ${head}.`);
}
