import type { StoredEvent } from "../../event/event.ts";
import type { EventFilter } from "../event-log.ts";
import type { LogDatabase } from "./database.ts";
import type { SqliteLogLimits } from "./limits.ts";
import { type EventRow, textOf } from "./row.ts";

/** Rows are fetched in pages with `all`, at 1.0 µs a row; an iterator takes 1.3. A batch takes several pages: a page is in memory before it is counted. */
const minPageRows = 16;

const maxPageRows = 128;

/** Events of rows that were read page by page. `cut`: there may be more. */
export interface Taken {
  readonly events: StoredEvent[];
  readonly bytes: number;
  readonly cut: boolean;
}

/**
 * Decodes up to `limit` rows or about `batchBytes`, page by page.
 *
 * @param page the rows behind `last` (null: from the start), at most `rows` of them; without users' data when `dataOf` says of which streams it is needed.
 */
export type Take = (
  db: LogDatabase,
  limit: number,
  page: (rows: number, last: EventRow | null) => readonly EventRow[],
  dataOf?: (stream: string) => boolean,
  filter?: EventFilter,
) => Taken;

export function makeTake(limits: Pick<SqliteLogLimits, "batchBytes">): Take {
  /** Rows of the next page: as many as would take about a quarter of `batchBytes` if they are as large as the last ones. */
  let pageRows = minPageRows;

  return (db, limit, page, dataOf, filter) => {
    const events: StoredEvent[] = [];
    let bytes = 0;
    for (let last: EventRow | null = null; ; ) {
      const wanted = Math.min(dataOf === undefined ? pageRows : maxPageRows, limit - events.length);
      const rows = page(wanted, last);
      const before = bytes;
      for (const row of rows) {
        const data = dataOf === undefined ? db.data(row) : db.dataOf(row, dataOf);
        const event = db.decode(row, data);
        if (filter !== undefined && !matches(event, filter)) continue;
        events.push(event);
        bytes += textOf(row[9]).length + (data?.length ?? 0);
        if (events.length === limit || bytes >= limits.batchBytes) return { events, bytes, cut: true };
      }
      if (rows.length < wanted) return { events, bytes, cut: false };
      last = rows.at(-1)!;
      if (dataOf !== undefined) continue; // small, whatever the size of users' events
      const fitting = (limits.batchBytes / 4) * (rows.length / (bytes - before));
      pageRows = Math.max(minPageRows, Math.min(maxPageRows, 2 * pageRows, Math.floor(fitting)));
    }
  };
}

/** Tests the type again: the statement also finds by a number of 15 bits, and rows read singly have any type. A damaged event stays unless its type is known. */
export function matches({ type, stream, damage }: StoredEvent, filter: EventFilter): boolean {
  if (damage !== undefined && (damage.typeDoubtful || stream === "")) return true;
  return "types" in filter ? filter.types.includes(type) : filter.streamPrefixes.some((prefix) => stream.startsWith(prefix));
}
