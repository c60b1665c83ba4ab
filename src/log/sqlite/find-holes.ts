import { setImmediate as nextTurn } from "node:timers/promises";
import { allOf, type LostRowsOptions, stepRows, walkRows } from "./walk-rows.ts";

/** Positions; both ends belong to it. */
export interface Zone {
  readonly first: number;
  readonly last: number;
}

/** Positions of one unreadable page, or of several side by side, and their neighbours, because a statement that reads on from a neighbour meets the page. */
export interface Hole extends Zone {
  /** The last event before it, and the first behind it (its own last position when there is none). */
  readonly before: number;
  readonly after: number;
}

/** @param zones rising. */
export function isInside(position: number, zones: readonly Zone[]): boolean {
  let [low, high] = [0, zones.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (position < zones[middle]!.first) high = middle - 1;
    else if (position > zones[middle]!.last) low = middle + 1;
    else return true;
  }
  return false;
}

/** @returns `touched`: streams with an event in a hole, as the links of their next events and their heads say. */
export async function findHoles(log: LostRowsOptions): Promise<{ readonly holes: readonly Hole[]; readonly touched: ReadonlySet<number> }> {
  const holes: { first: number; last: number; before: number; after: number }[] = [];
  const touched = new Set<number>();
  const looked = log.end();
  let before = 0;
  await walkRows(
    log,
    { from: 0, columns: "stream_id, previous" },
    ([position, streamId, previous]) => {
      const hole = holes.at(-1);
      if (hole !== undefined && hole.after === hole.last) hole.after = position!;
      if (hole !== undefined && isInside(previous!, holes)) touched.add(streamId!);
      before = position!;
    },
    (position) => {
      const hole = holes.at(-1);
      if (hole === undefined || hole.after !== hole.last) holes.push({ first: position, last: position, before, after: position });
      else hole.last = hole.after = position;
    },
  );
  if (holes.length === 0) return { holes, touched };
  await eachHead(log, (streamId, position) => {
    if (isInside(position, holes)) touched.add(streamId);
  });
  // When a stream's head has moved on meanwhile, the events that came link to the older ones.
  await walkRows(log, { from: looked, columns: "stream_id, previous" }, ([, streamId, previous]) => {
    if (isInside(previous!, holes)) touched.add(streamId!);
  });
  return { holes, touched };
}

async function eachHead(log: LostRowsOptions, tell: (streamId: number, position: number) => void): Promise<void> {
  for (let after = -1; ; await nextTurn()) {
    const rows = allOf(log, `select stream_id, position from heads where stream_id > ? order by stream_id limit ${stepRows}`, after);
    if (rows === null || rows.length === 0) return;
    for (const [streamId, position] of rows) tell(streamId!, position!);
    after = rows.at(-1)![0]!;
  }
}

/** Ids of the events that stood in holes; null when their index cannot be read. A position without one was truncated before. */
export async function idsIn(log: LostRowsOptions, holes: readonly Zone[]): Promise<ReadonlyMap<number, string> | null> {
  const ids = new Map<number, string>();
  for (let after = ""; holes.length > 0; await nextTurn()) {
    const rows = allOf(log, `select position, id from events indexed by events_by_id where id > ? order by id limit ${stepRows}`, after);
    if (rows === null) return null;
    for (const [position, id] of rows as unknown as readonly (readonly [number, string])[]) if (isInside(position, holes)) ids.set(position, id);
    if (rows.length < stepRows) break;
    after = String(rows.at(-1)![1]);
  }
  return ids;
}
