/** Keeps pages small in bytes, because a page may have 1,000 rows, and one event nearly a megabyte. */
import { WrittenRow } from "../event/written-row.ts";

/** The most bytes of one page's rows as JSON. One row is a page whatever its size. */
export const maxPageBytes = 4 * 1024 * 1024;

/** Pages of events that one process makes at once. Each holds its events several times: as text, as stored, as lifted and as the answer. */
const maxPages = 4;

/** Counts a page's rows: `takes` says whether one more still fits. */
export interface PageRoom {
  takes(row: object): boolean;
}

export function makePageRoom(bytes = maxPageBytes): PageRoom {
  let left = bytes;
  let rows = 0;
  return {
    takes(row) {
      left -= rowBytes(row);
      return rows++ === 0 || left >= 0;
    },
  };
}

/** About the bytes of a row as JSON; names on the wire are a little longer. */
function rowBytes(row: object): number {
  if (row instanceof WrittenRow) return Buffer.byteLength(row.json);
  const text = JSON.stringify(row, (_, value: unknown) => (typeof value === "bigint" ? value.toString() : value));
  return Math.ceil(Buffer.byteLength(text) * 1.05);
}

let making = 0;
const waiting: (() => void)[] = [];

/** Makes one page when its turn comes. Pages are served in the order of the requests, and the work of each is bounded. */
export async function onePage<T>(make: () => Promise<T>): Promise<T> {
  if (making >= maxPages) await new Promise<void>((resolve) => waiting.push(resolve));
  else making++;
  try {
    return await make();
  } finally {
    const next = waiting.shift();
    if (next === undefined) making--;
    else next();
  }
}
