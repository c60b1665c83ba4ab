/**
 * Reads around damage. Each fact that leads to an event stands in log.db twice (the links between a stream's events and their own columns, a stream's name in
 * its table and in its index, an id in its row and in its index), so one place tells what a wrong bit has changed in the other. If it must, it looks at every
 * row, but only in a damaged log. It writes nothing, so the same damage is found again until the log is restored.
 */

import { makeCarefulReads, type Prepare } from "./careful-reads.ts";
import type { LostRows } from "./lost-rows.ts";
import { makePlaces, type Places } from "./places.ts";
import type { EventRow } from "./row.ts";
import { mendedStreamRow, type StreamRow } from "./stream-row.ts";
import { makeStreamWalk, type StreamWalk } from "./stream-walk.ts";

export interface Mender extends StreamWalk, Places {
  /** Null when there is none that can be trusted. */
  streamRow(id: number): StreamRow | null;
  /** The event at a position, read by itself; its columns are empty when SQLite cannot read them. Undefined when there is none. */
  rowAt(position: number): EventRow | undefined;
}

/** The reads of a damaged log, put together. */
export function makeMender(
  prepare: Prepare,
  prepareBig: Prepare,
  path: string,
  explained: (error: unknown) => unknown = (error) => error,
  lost: LostRows | null = null,
): Mender {
  const reads = makeCarefulReads(prepare, prepareBig, explained, lost);
  const places = makePlaces(reads);
  return { streamRow: (id) => mendedStreamRow(reads, id), rowAt: reads.rowAt, whereabouts: places.whereabouts, ...makeStreamWalk(reads, places, path) };
}
