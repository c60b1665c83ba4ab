/**
 * Finds events whose page of log.db SQLite cannot read. Such a row is lost, but its neighbours tell of it: the link of the stream's next event (or the stream's
 * head) tells its position, the gap in the stream's revisions tells which events are missing, and the index of the ids tells its id. So each lane that has lost
 * an event stands still at the event's place, and no other lane does. For this, the whole log is read once, when such a page is met, in steps between which
 * others have their turns. A log without damage is never read for it.
 *
 * What stays unknown: the type and the time, and, where one page held several events of a stream, which of them stood where: their order is right.
 */
import { findGaps } from "./find-gaps.ts";
import { findHoles, type Hole, idsIn, isInside, type Zone } from "./find-holes.ts";
import { type Gap, placeFreely } from "./place-freely.ts";
import type { EventRow } from "./row.ts";
import type { LostRowsOptions } from "./walk-rows.ts";

export interface LostRows {
  /** The first known hole with its neighbours that has a position in `[low, high]`, from below or from above. Null: there is none. */
  zone(low: number, high: number, from: "below" | "above"): Zone | null;
  /** Rows of a zone between two positions (both included), upwards or downwards, at most `limit`. Lost rows come without content. */
  rows(low: number, high: number, limit: number, from: "below" | "above"): readonly EventRow[];
  at(position: number): EventRow | undefined;
  of(streamId: number, revision: number): EventRow | undefined;
  isOne(row: EventRow): boolean;
  /** The log was read for the page, so nothing more will ever be known of it. */
  isExplored(): boolean;
  /** Reads the log for lost rows. @returns whether more is known than before. */
  explore(): Promise<boolean>;
  /** A sentence for each hole, for whoever looks after the log; of many the first. */
  warnings(): readonly string[];
}

/** What is known of the lost rows. */
interface Known {
  readonly holes: readonly Hole[];
  readonly byPosition: ReadonlyMap<number, EventRow>;
  readonly byStream: ReadonlyMap<number, ReadonlyMap<number, EventRow>>;
}

const shownHoles = 5;

export function makeLostRows(log: LostRowsOptions): LostRows {
  let known: Known = { holes: [], byPosition: new Map(), byStream: new Map() };
  let explored = false;
  let exploring: Promise<boolean> | null = null;
  const made = new WeakSet<EventRow>();

  async function findOut(): Promise<boolean> {
    const before = explored ? known.holes.length : -1;
    known = await look(log);
    for (const row of known.byPosition.values()) made.add(row);
    for (const revisions of known.byStream.values()) for (const row of revisions.values()) made.add(row);
    explored = true;
    return known.holes.length > before;
  }

  return {
    zone(low, high, from) {
      if (known.holes.length === 0) return null;
      const overlaps = ({ before, after }: Hole) => before <= high && after >= low;
      const found = from === "below" ? known.holes.find(overlaps) : known.holes.findLast(overlaps);
      return found === undefined ? null : { first: found.before, last: found.after };
    },
    rows(low, high, limit, from) {
      const rows: EventRow[] = [];
      const step = from === "below" ? 1 : -1;
      for (let position = from === "below" ? low : high; position >= low && position <= high && rows.length < limit; position += step) {
        const row = isInside(position, known.holes) ? known.byPosition.get(position) : log.rowAt(position);
        if (row !== undefined) rows.push(row);
      }
      return rows;
    },
    at: (position) => known.byPosition.get(position),
    of: (streamId, revision) => known.byStream.get(streamId)?.get(revision),
    isOne: (row) => made.has(row),
    isExplored: () => explored,
    explore() {
      exploring ??= findOut().finally(() => {
        exploring = null;
      });
      return exploring;
    },
    warnings: () => warningsOf(log.path, known),
  };
}

async function look(log: LostRowsOptions): Promise<Known> {
  const { holes, touched } = await findHoles(log);
  const ids = await idsIn(log, holes);
  const gaps = await findGaps(log, touched, holes);
  const byPosition = new Map<number, EventRow>();
  for (const { first, last, before } of holes) {
    const recordedAtMs = log.rowAt(before)?.[8] ?? 0;
    for (let position = first; position <= last; position++)
      if (ids === null || ids.has(position))
        byPosition.set(position, rowOf({ position, streamId: 0, revision: -1, previous: 0 }, ids?.get(position), recordedAtMs));
  }
  return { holes, byPosition, byStream: putInto(byPosition, gaps) };
}

/** Says of the rows whose they were. */
function putInto(byPosition: Map<number, EventRow>, gaps: readonly Gap[]): Known["byStream"] {
  const byStream = new Map<number, Map<number, EventRow>>();
  const places = placeFreely(gaps, [...byPosition.keys()]);
  for (const [index, { streamId, from, above }] of gaps.entries()) {
    const revisions = byStream.get(streamId) ?? new Map<number, EventRow>();
    byStream.set(streamId, revisions);
    let previous = above;
    for (const [offset, position] of places[index]!.entries()) {
      const before = byPosition.get(position);
      const row = rowOf({ position, streamId, revision: from + offset, previous }, before?.[3], before?.[8] ?? 0);
      if (before?.[1] === 0) byPosition.set(position, row);
      revisions.set(from + offset, row);
      previous = position;
    }
  }
  return byStream;
}

interface Place {
  readonly position: number;
  readonly streamId: number;
  readonly revision: number;
  readonly previous: number;
}

function rowOf({ position, streamId, revision, previous }: Place, id: string | undefined, recordedAtMs: number): EventRow {
  return [position, streamId, revision, id ?? "", "", 0, null, null, recordedAtMs, "", "", previous, 0, 0];
}

function warningsOf(path: string, { holes, byPosition }: Known): readonly string[] {
  const sentences = holes.slice(0, shownHoles).map(({ first, last }) => {
    const rows = [...byPosition.values()].filter(([position]) => position >= first && position <= last);
    const unknown = rows.filter(([, streamId]) => streamId === 0).length;
    const whose = unknown === 0 ? "" : ` Of ${unknown} of them nothing says whose they were: no entity stands still for those.`;
    const where = first === last ? `position ${first}` : `positions ${first} to ${last}`;
    return `${path} is damaged (LOG_DAMAGED): the page with ${where} cannot be read, and ${rows.length} events with it; their entities stand still there.${whose}`;
  });
  return holes.length <= shownHoles ? sentences : [...sentences, `${holes.length - shownHoles} more pages of ${path} cannot be read.`];
}
