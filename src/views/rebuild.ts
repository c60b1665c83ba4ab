import { renameSync } from "node:fs";
import type { Position } from "../event/event.ts";
import { syncBeside } from "../log/durable-files.ts";
import type { PositionWaiters } from "./position-waiters.ts";
import type { Projector } from "./projector.ts";
import type { ViewStore } from "./store.ts";
import { removeBeside, removeViewStore } from "./store-file.ts";

/** A store, what fills it, and who waits for it. */
export interface Rows {
  readonly store: ViewStore;
  readonly projector: Projector;
  readonly waiters: PositionWaiters;
}

/** Where rows are built anew: beside the file that queries read meanwhile. */
export const rebuildFile = (file: string): string => `${file}.rebuild`;

/**
 * Folds the whole log into a new file and puts it in the old one's place when it contains as much.
 *
 * @param old goes on until then; at the end its projector has stopped and its file is closed.
 * @param reopen opens the rows in `old`'s file again; `from`: what they contain.
 * @returns the rows to go on with: the new ones, or, in `error`'s company, the old ones.
 */
export async function rebuildRows(
  old: Rows,
  fresh: Rows,
  head: Position,
  reopen: (from: Position) => Rows,
): Promise<{ readonly rows: Rows; readonly error?: unknown }> {
  try {
    fresh.projector.start();
    await fresh.waiters.until(head).reached;
    await syncBeside(fresh.store.file, "r+"); // rows are built without waiting for the disk, and have to be there before they take the place of others
    await old.projector.stop(); // views stand still from here on, for milliseconds
    await fresh.waiters.until(old.projector.position()).reached;
    await fresh.projector.stop();
  } catch (error) {
    await fresh.projector.stop();
    fresh.store.close();
    removeViewStore(fresh.store.file);
    return { rows: old, error };
  }
  const from = fresh.projector.position();
  let left = old.projector.position();
  fresh.store.close();
  try {
    await syncBeside(fresh.store.file, "r+"); // what came since
    old.store.close();
    left = 0n; // as far as the file says
    removeBeside(old.store.file);
    renameSync(fresh.store.file, old.store.file);
  } catch (error) {
    old.store.close();
    return { rows: reopen(left), error };
  }
  return { rows: reopen(from) };
}

/** Rows in memory have nothing beside them to be built in: readers meet the new ones while they come. @param replace puts empty rows in their place. */
export async function rebuildInMemory(old: Rows, replace: () => Rows, head: Position): Promise<void> {
  await old.projector.stop();
  old.store.close();
  const rows = replace();
  rows.projector.start();
  await rows.waiters.until(head).reached;
}
