/** Walks all readable rows of `events` in order, and reports the places of the unreadable ones, so that a damaged page hides nothing behind it. */
import type { StatementSync } from "node:sqlite";
import { isBeyondNumbers } from "./careful-reads.ts";
import type { EventRow } from "./row.ts";
import { isDamage } from "./sqlite-error.ts";

const pageRows = 512;

export interface RowPages {
  /** The last position; null when no table tells it. */
  readonly end: number | null;
  /** At most a page of rows behind a position, and the position up to which there are no others. */
  behind(from: number): { readonly rows: readonly EventRow[]; readonly reached: number };
  /** Also reports unreadable rows at the end. */
  ended(): void;
}

/** @param tell called with the positions that cannot be read. */
export function makeRowPages(
  prepare: (sql: string) => StatementSync,
  columns: string,
  rowAt: (position: number) => EventRow | undefined,
  tell: (place: string, problem: string) => void,
): RowPages {
  const end = lastPosition(prepare);
  /** Unreadable positions that were not reported yet, because a page of the file holds many. */
  let hole: { readonly first: number; readonly last: number } | null = null;

  const tellHole = (): void => {
    if (hole === null) return;
    const { first, last } = hole;
    hole = null;
    tell(first === last ? `position ${first}` : `positions ${first} to ${last}`, "SQLite cannot read the page of the file that belongs here");
  };

  const oneByOne = (from: number, end: number): { readonly rows: readonly EventRow[]; readonly reached: number } => {
    const rows: EventRow[] = [];
    let reached = from;
    for (let tries = 0; tries < pageRows && reached < end; tries++) {
      // The statement begins at the position itself, because one that begins behind the position before it would read the page before.
      const next = ifReadable(() => prepare("select position from events where position >= ? order by position limit 1").get(reached + 1));
      if (next === unreadable) {
        hole = { first: hole?.first ?? reached + 1, last: ++reached };
        continue;
      }
      tellHole();
      reached = (next as unknown as readonly [number] | undefined)?.[0] ?? end;
      const row = next === undefined ? undefined : rowAt(reached);
      if (row !== undefined) rows.push(row);
    }
    return { rows, reached };
  };

  return {
    end,
    behind(from) {
      if (end === null) return { rows: [], reached: from };
      const found = ifReadable(() => prepare(`select ${columns} from events e where e.position > ? order by e.position limit ? + 0`).all(from, pageRows));
      if (found === unreadable) return oneByOne(from, end);
      const rows = found as unknown as readonly EventRow[];
      if (rows.length > 0) tellHole();
      return { rows, reached: rows.length < pageRows ? end : rows.at(-1)![0] };
    },
    ended: tellHole,
  };
}

function lastPosition(prepare: (sql: string) => StatementSync): number | null {
  for (const table of ["events", "heads"]) {
    const row = ifReadable(() => prepare(`select coalesce(max(position), 0) from ${table}`).get());
    if (row !== unreadable) return (row as unknown as readonly [number])[0];
  }
  return null;
}

const unreadable = Symbol("unreadable");

function ifReadable<T>(read: () => T): T | typeof unreadable {
  try {
    return read();
  } catch (error) {
    if (!isBeyondNumbers(error) && !isDamage(error)) throw error;
    return unreadable;
  }
}
