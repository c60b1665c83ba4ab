/**
 * Events whose page of log.db SQLite cannot read. Nothing of such a row is there any more, but its neighbours tell of it: the link of the stream's next event
 * (or the stream's head) says where it stood, the gap in the stream's revisions which events are missing, the index of the ids what it was called. So each lane
 * that has lost an event stands still at its place, and nothing else does. All of the log is read for it once, when such a page is met, in steps that leave
 * others their turns; a log without damage never does.
 *
 * What stays unknown: the type and the time, and, where one page held several events of a stream, which of them stood where: their order is right.
 */
import type { StatementSync } from "node:sqlite";
import { setImmediate as nextTurn } from "node:timers/promises";
import { RepriseError } from "../../errors.ts";
import { type Gap, placeFreely } from "./place-freely.ts";
import { columnsDamage, type EventRow } from "./row.ts";
import { headSum } from "./sums.ts";

/** Positions of a page, or of several side by side, that cannot be read, and the neighbours: a statement that reads on from one of these meets the page. */
interface Hole {
  readonly first: number;
  readonly last: number;
  /** The last event before it, and the first behind it (its own last position when there is none). */
  readonly before: number;
  readonly after: number;
}

/** Positions that are read one by one; both ends belong to it. */
export interface Zone {
  readonly first: number;
  readonly last: number;
}

export interface LostRows {
  /** The first hole with its neighbours that has a position in `[low, high]`, from below or from above. Null: none that is known. */
  zone(low: number, high: number, from: "below" | "above"): Zone | null;
  /** Rows of a zone between two positions (both included), upwards or downwards, at most `limit`: those that were lost without content. */
  rows(low: number, high: number, limit: number, from: "below" | "above"): readonly EventRow[];
  at(position: number): EventRow | undefined;
  of(streamId: number, revision: number): EventRow | undefined;
  isOne(row: EventRow): boolean;
  /** The log was read for it, so that what is not known now never will be. */
  isExplored(): boolean;
  /** Finds out. @returns whether more is known than before. */
  explore(): Promise<boolean>;
  /** A sentence for each hole, for whoever looks after the log; of many the first. */
  warnings(): readonly string[];
}

/** A page of the log that cannot be read was met, and it is not known yet what stood there. To others it is LOG_DAMAGED. */
export class PageLost extends RepriseError {
  readonly explore: () => Promise<boolean>;

  constructor(path: string, explore: () => Promise<boolean>, cause?: unknown) {
    super("LOG_DAMAGED", `${path} is damaged: a page of it cannot be read.`, { cause });
    this.explore = explore;
  }
}

/** Meets a page that cannot be read: finds out what stood there, with turns for others in between, and reads again. */
export async function around<T>(read: () => T): Promise<T> {
  for (;;)
    try {
      return read();
    } catch (error) {
      if (!(error instanceof PageLost) || !(await error.explore())) throw error;
    }
}

export interface LostRowsOptions {
  readonly path: string;
  readonly prepare: (sql: string) => StatementSync;
  /** What `read` gives; `otherwise` when SQLite cannot read it. @throws when the disk does not answer. */
  readonly ifReadable: <T, U>(read: () => T, otherwise: U) => T | U;
  /** Position of the last event now. */
  readonly end: () => number;
  /** Read by itself; undefined when there is none. */
  readonly rowAt: (position: number) => EventRow | undefined;
  /** The lowest revision that a stream still has. */
  readonly firstOf: (streamId: number) => number;
}

/** Rows of one step, some milliseconds; tries to read past a page, row by row. */
const stepRows = 2000;
const shownHoles = 5;

export function makeLostRows({ path, prepare, ifReadable, end, rowAt, firstOf }: LostRowsOptions): LostRows {
  let holes: readonly Hole[] = [];
  let byPosition = new Map<number, EventRow>();
  let byStream = new Map<number, Map<number, EventRow>>();
  const made = new WeakSet<EventRow>();
  let explored = false;
  let exploring: Promise<boolean> | null = null;

  const rowOf = (position: number, streamId: number, revision: number, id: string, recordedAtMs: number, previous: number): EventRow => {
    const row: EventRow = [position, streamId, revision, id, "", 0, null, null, recordedAtMs, "", "", previous, 0, 0];
    made.add(row);
    return row;
  };
  const unreadable = Symbol("unreadable");
  const all = (sql: string, ...values: readonly (number | string)[]) =>
    ifReadable(() => prepare(sql).all(...values) as unknown as readonly (readonly number[])[], unreadable);
  const inHole = (position: number, of: readonly Zone[]): boolean => {
    let [low, high] = [0, of.length - 1];
    while (low <= high) {
      const middle = (low + high) >> 1;
      if (position < of[middle]!.first) high = middle - 1;
      else if (position > of[middle]!.last) low = middle + 1;
      else return true;
    }
    return false;
  };

  /** All rows beyond `from` that can be read, in steps. @param tell of each; @param miss of each position where a page cannot be read. */
  async function walk(from: number, columns: string, tell: (row: readonly number[]) => void, miss: (position: number) => void): Promise<void> {
    for (let reached = from; reached < end(); await nextTurn()) {
      const rows = all(`select position, ${columns} from events where position > ? order by position limit ${stepRows}`, reached);
      if (rows !== unreadable) {
        for (const row of rows) tell(row);
        reached = rows.length < stepRows ? end() : rows.at(-1)![0]!;
        continue;
      }
      for (let tries = 0; tries < stepRows && reached < end(); tries++) {
        // From the position itself: a look behind the one before would go by the page before.
        const next = all("select position from events where position >= ? order by position limit 1", reached + 1);
        if (next === unreadable) miss(++reached);
        else if (next[0] === undefined) reached = end();
        else {
          reached = next[0][0]!;
          const row = all(`select position, ${columns} from events where position = ?`, reached);
          if (row !== unreadable && row[0] !== undefined) tell(row[0]);
        }
      }
    }
  }

  async function findOut(): Promise<boolean> {
    const known = holes.length;
    const found: { first: number; last: number; before: number; after: number }[] = [];
    let before = 0;
    /** Streams with an event in a hole. */
    const touched = new Set<number>();
    const looked = end();
    await walk(
      0,
      "stream_id, previous",
      ([position, streamId, previous]) => {
        const hole = found.at(-1);
        if (hole !== undefined && hole.after === hole.last) hole.after = position!;
        if (hole !== undefined && inHole(previous!, found)) touched.add(streamId!);
        before = position!;
      },
      (position) => {
        const hole = found.at(-1);
        if (hole === undefined || hole.after !== hole.last) found.push({ first: position, last: position, before, after: position });
        else hole.last = hole.after = position;
      },
    );
    if (found.length > 0) {
      for (let after = -1; ; await nextTurn()) {
        const rows = all(`select stream_id, position from heads where stream_id > ? order by stream_id limit ${stepRows}`, after);
        if (rows === unreadable || rows.length === 0) break;
        for (const [streamId, position] of rows) if (inHole(position!, found)) touched.add(streamId!);
        after = rows.at(-1)![0]!;
      }
      // Whose head has moved on meanwhile is linked by what came.
      await walk(
        looked,
        "stream_id, previous",
        ([, streamId, previous]) => void (inHole(previous!, found) && touched.add(streamId!)),
        () => {},
      );
    }
    const ids = await idsIn(found);
    const gaps = await gapsOf(touched, found);
    const places = placeFreely(
      gaps,
      found.flatMap((hole) => positionsOf(hole, ids)),
    );
    const positions = new Map<number, EventRow>();
    const streams = new Map<number, Map<number, EventRow>>();
    for (const hole of found) {
      const recordedAtMs = rowAt(hole.before)?.[8] ?? 0;
      for (const position of positionsOf(hole, ids)) positions.set(position, rowOf(position, 0, -1, ids?.get(position) ?? "", recordedAtMs, 0));
    }
    for (const [index, { streamId, from, above }] of gaps.entries()) {
      const revisions = streams.get(streamId) ?? new Map<number, EventRow>();
      streams.set(streamId, revisions);
      let previous = above;
      for (const [offset, position] of places[index]!.entries()) {
        const known = positions.get(position);
        const row = rowOf(position, streamId, from + offset, known?.[3] ?? "", known?.[8] ?? 0, previous);
        if (known?.[1] === 0) positions.set(position, row);
        revisions.set(from + offset, row);
        previous = position;
      }
    }
    [holes, byPosition, byStream] = [found, positions, streams];
    const first = !explored;
    explored = true;
    return first || holes.length > known;
  }

  /** Ids of the events that stood in holes; null when the index cannot be read. A position without one was truncated before. */
  async function idsIn(found: readonly Zone[]): Promise<ReadonlyMap<number, string> | null> {
    const ids = new Map<number, string>();
    for (let after = ""; found.length > 0; await nextTurn()) {
      const rows = all(`select position, id from events indexed by events_by_id where id > ? order by id limit ${stepRows}`, after);
      if (rows === unreadable) return null;
      for (const [position, id] of rows as unknown as readonly (readonly [number, string])[]) if (inHole(position, found)) ids.set(position, id);
      if (rows.length < stepRows) break;
      after = String(rows.at(-1)![1]);
    }
    return ids;
  }

  const positionsOf = ({ first, last }: Zone, ids: ReadonlyMap<number, string> | null): readonly number[] =>
    Array.from({ length: last - first + 1 }, (_, index) => first + index).filter((position) => ids === null || ids.has(position));

  /** Revisions that streams have lost, of each stream upwards: what stands between the events that can be read. */
  async function gapsOf(touched: ReadonlySet<number>, found: readonly Zone[]): Promise<readonly Gap[]> {
    const gaps: Gap[] = [];
    if (touched.size === 0) return gaps;
    const last = new Map([...touched].map((streamId) => [streamId, { revision: firstOf(streamId) - 1, position: 0 }]));
    const gap = (streamId: number, through: number, at: number): void => {
      const { revision, position } = last.get(streamId)!;
      gaps.push({ streamId, from: revision + 1, through, at, above: position });
    };
    await walk(
      0,
      "stream_id, revision, previous",
      ([position, streamId, revision, previous]) => {
        const before = last.get(streamId!);
        if (before === undefined || revision! <= before.revision) return;
        if (revision! > before.revision + 1 && !isWhole(rowAt(position!))) return;
        if (revision! > before.revision + 1 && inHole(previous!, found)) gap(streamId!, revision! - 1, previous!);
        last.set(streamId!, { revision: revision!, position: position! });
      },
      () => {},
    );
    for (const [streamId, { revision }] of last) {
      const head = all("select revision, position, sum from heads where stream_id = ?", streamId);
      if (head === unreadable || head[0] === undefined) continue;
      const [through, position, sum] = head[0] as readonly [number, number, number];
      if (through > revision && inHole(position, found) && sum === headSum(streamId, through, position)) gap(streamId, through, position);
    }
    return gaps;
  }

  const rowsOf = (low: number, high: number, limit: number, from: "below" | "above"): readonly EventRow[] => {
    const rows: EventRow[] = [];
    const step = from === "below" ? 1 : -1;
    for (let position = from === "below" ? low : high; position >= low && position <= high && rows.length < limit; position += step) {
      const row = inHole(position, holes) ? byPosition.get(position) : rowAt(position);
      if (row !== undefined) rows.push(row);
    }
    return rows;
  };

  return {
    zone(low, high, from) {
      if (holes.length === 0) return null;
      const overlaps = ({ before, after }: Hole) => before <= high && after >= low;
      const found = from === "below" ? holes.find(overlaps) : holes.findLast(overlaps);
      return found === undefined ? null : { first: found.before, last: found.after };
    },
    rows: rowsOf,
    at: (position) => byPosition.get(position),
    of: (streamId, revision) => byStream.get(streamId)?.get(revision),
    isOne: (row) => made.has(row),
    isExplored: () => explored,
    explore() {
      exploring ??= findOut().finally(() => {
        exploring = null;
      });
      return exploring;
    },
    warnings() {
      const sentences = holes.slice(0, shownHoles).map(({ first, last }) => {
        const rows = [...byPosition.values()].filter(([position]) => position >= first && position <= last);
        const unknown = rows.filter(([, streamId]) => streamId === 0).length;
        const whose = unknown === 0 ? "" : ` Of ${unknown} of them nothing says whose they were: no entity stands still for those.`;
        const where = first === last ? `position ${first}` : `positions ${first} to ${last}`;
        return `${path} is damaged (LOG_DAMAGED): the page with ${where} cannot be read, and ${rows.length} events with it; their entities stand still there.${whose}`;
      });
      return holes.length <= shownHoles ? sentences : [...sentences, `${holes.length - shownHoles} more pages of ${path} cannot be read.`];
    },
  };
}

const isWhole = (row: EventRow | undefined): boolean => row !== undefined && columnsDamage(row) === null;
