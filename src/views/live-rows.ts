import type { Catalog } from "../catalog/catalog.ts";
import { RepriseError } from "../errors.ts";
import type { Clock } from "../event/clock.ts";
import type { Position } from "../event/event.ts";
import { type WholeLog, wholeLog } from "../log/abridged/whole-journals.ts";
import type { EventLog } from "../log/event-log.ts";
import { makeMovingProjector } from "./apart/moving-projector.ts";
import type { WatchStatement } from "./database.ts";
import { makeHealing } from "./healing.ts";
import { makePositionWaiters, type PositionWaiters } from "./position-waiters.ts";
import { missedEntries } from "./projections/shortened.ts";
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
  /** A thread of its own takes over after so many events, where rows are in a file. Default: never. */
  readonly apartAfter?: number | undefined;
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
export async function openLiveRows(options: LiveRowsOptions): Promise<LiveRows> {
  const { file, log, catalog, clock, onTrouble = () => {}, onDamage = () => {}, apartAfter, watch } = options;
  let started = false;
  let closed = false;
  let rebuilding: Promise<void> | null = null;
  let fresh: Rows | null = null;
  const isClosed = () => closed;
  const isIncomplete = () => missedEntries(rows.store.db);
  const { heal, look } = makeHealing({ clock, isClosed, isIncomplete, rebuild: startRebuild, onDamage, onTrouble });

  const needs = { log: wholeLog(log), catalog, clock, onTrouble, onDamage, apartAfter: file === inMemory ? undefined : apartAfter, watch, heal };
  const openRows = (at: string, waiters: PositionWaiters, how?: HowToOpen) => openOn(at, waiters, needs, how);

  removeViewStore(rebuildFile(file)); // a rebuild may have been cut off
  const waiters = makePositionWaiters(
    () => rows.projector.position(),
    () => rows.projector.hurry(),
  );
  let rows = openRows(file, waiters);
  await refuseBeyondLog(rows, file, log);
  look();

  function startRebuild(): Promise<void> {
    rebuilding ??= rebuild().finally(() => {
      rebuilding = null;
      look();
    });
    return rebuilding;
  }

  async function rebuild(): Promise<void> {
    const head = await log.head();
    refuseWhenClosed();
    if (file === inMemory) return rebuildInMemory(rows, () => (rows = openRows(file, waiters)), head);
    const itsWaiters = makePositionWaiters(() => building.projector.position());
    const building: Rows = openRows(rebuildFile(file), itsWaiters, { use: "rebuild" });
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

interface HowToOpen {
  readonly from?: Position;
  readonly use?: "live" | "rebuild";
}

interface Needs extends Required<Pick<LiveRowsOptions, "catalog" | "clock" | "onTrouble" | "onDamage">> {
  readonly log: WholeLog;
  readonly apartAfter: number | undefined;
  readonly watch: WatchStatement | undefined;
  heal(error: unknown): void;
}

function openOn(at: string, waiters: PositionWaiters, { watch, heal, onDamage, ...needs }: Needs, { from = 0n, use = "live" }: HowToOpen = {}): Rows {
  const store = openViewStore(at, needs.log.logId, needs.catalog, use, watch);
  if (store.damage !== null) onDamage(store.damage);
  if (use === "live") store.watch(heal);
  const onMoved = () => waiters.moved(projector.position());
  const projector = makeMovingProjector({ ...needs, store, use, from, waiting: waiters.waiting, onMoved, onDamage: use === "live" ? heal : () => {} });
  return { store, projector, waiters };
}

async function refuseBeyondLog({ store }: Rows, file: string, log: EventLog): Promise<void> {
  const head = await log.head();
  if (store.position() <= head) return;
  store.close();
  throw new RepriseError("LOG_BEHIND_CHECKPOINT", `The views in ${file} contain the log up to ${store.position()}, but it ends at ${head}.`);
}
