/**
 * Reads, one bounded synchronous step at a time: each step runs a statement to its end or leaves it, so that nothing is open over an await
 * (one open iterator would keep the write-ahead log from being checkpointed), and the event loop gets its turn between steps.
 */
import type { SQLInputValue } from "node:sqlite";
import { setImmediate as nextTurn } from "node:timers/promises";
import { RepriseError } from "../../errors.ts";
import type { StoredEvent } from "../../event/event.ts";
import type { EventFilter, ReadAllOptions, ReadStreamOptions } from "../event-log.ts";
import { refuseDamaged } from "../refuse-damaged.ts";
import type { Connection } from "./connection.ts";
import type { LogDatabase } from "./database.ts";
import type { SqliteLogLimits } from "./limits.ts";
import { type EventRow, textOf } from "./row.ts";
import { fromSqliteError } from "./sqlite-error.ts";
import { typeKind } from "./sums.ts";

/** Rows are fetched in pages with `all`: a row costs 1.0 µs so, and 1.3 from an iterator. Not all of a batch at once: a page is in memory before it can be counted. */
const minPageRows = 16;
const maxPageRows = 128;

/** Ids looked up together while nobody knows how large their events are, and at most. */
const fewIds = 8;
const manyIds = 64;

type Direction = "forward" | "backward";

export interface Scan {
  readonly events: readonly StoredEvent[];
  /** Characters of their data and metadata. */
  readonly bytes: number;
  /** All positions up to here (down to here, backward) have been looked at. */
  readonly reached: number;
}

export interface Reader {
  /** One step from `from` (exclusive) towards the end of the log, or its beginning, at most `limit` events. */
  scan(filter: EventFilter | undefined, direction: Direction, from: number, limit: number, dataOf?: (stream: string) => boolean): Scan;
  readAll(options: ReadAllOptions): AsyncGenerator<readonly StoredEvent[], void>;
  readStream(stream: string, options: ReadStreamOptions): AsyncGenerator<readonly StoredEvent[], void>;
  findByIds(tenant: string, ids: readonly string[], enoughBytes?: number): readonly StoredEvent[];
}

export function makeReader(connection: Connection, limits: SqliteLogLimits): Reader {
  /** Rows of the next page: as many as would have about a quarter of `batchBytes` were they as large as the last ones. */
  let pageRows = minPageRows;

  /**
   * Decodes up to `limit` rows or about `batchBytes`, page by page; `cut` when there may be more.
   *
   * @param page the rows behind `last` (null: from the start), at most `rows` of them; without data when `dataOf` says of which streams it is needed.
   */
  const take = (
    db: LogDatabase,
    limit: number,
    page: (rows: number, last: EventRow | null) => readonly EventRow[],
    dataOf?: (stream: string) => boolean,
    filter?: EventFilter,
  ): { readonly events: StoredEvent[]; readonly bytes: number; readonly cut: boolean } => {
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
      if (dataOf !== undefined) continue; // small, whatever the events' size
      const fitting = (limits.batchBytes / 4) * (rows.length / (bytes - before));
      pageRows = Math.max(minPageRows, Math.min(maxPageRows, 2 * pageRows, Math.floor(fitting)));
    }
  };

  const step = <T>(read: (db: LogDatabase) => T): T => {
    for (;;) {
      let db: LogDatabase | null = null;
      try {
        db = connection.use();
        const result = read(db);
        if (connection.isWhole?.() !== false) return result;
      } catch (error) {
        if (connection.isWhole?.() !== false) throw fromSqliteError(db?.explained(error) ?? error, "Reading the log");
      }
    }
  };

  const scan = (filter: EventFilter | undefined, direction: Direction, from: number, limit: number, dataOf?: (stream: string) => boolean): Scan =>
    step((db) => {
      const columns = dataOf === undefined ? db.columns : db.columnsWithoutData;
      const { sql, values } = scanStatement(columns, filter, direction);
      const positions = scanStatement("e.position", undefined, direction).sql;
      // Without a filter every position is an event, so the number of events bounds the step.
      const span = filter === undefined ? Number.MAX_SAFE_INTEGER : limits.scanPositions;
      const reached = direction === "forward" ? Math.min(from + span, db.lastPosition) : Math.max(from - span, 1);
      const wanted = Math.min(limit, limits.batchEvents);
      const { events, bytes, cut } = take(
        db,
        wanted,
        (rows, last) => {
          const start = last === null ? from : last[0];
          return db.rows(sql, [start, reached, ...values, rows], { sql: positions, values: [start, reached, rows] });
        },
        dataOf,
        filter,
      );
      return { events, bytes, reached: cut ? Number(events.at(-1)!.position) : reached };
    });

  return {
    scan,

    async *readAll({ after, direction = "forward", filter, limit = Number.MAX_SAFE_INTEGER, signal }) {
      signal?.throwIfAborted();
      // The end is where the log ended when the read began: a consumer that appends for each event comes to an end.
      const last = step((db) => db.lastPosition);
      let from = after === undefined ? (direction === "forward" ? 0 : last + 1) : Math.min(Number(after), last + 1);
      let left = limit;
      while (left > 0 && (direction === "forward" ? from < last : from > 1)) {
        const { events, reached } = scan(filter, direction, from, left);
        const wanted = direction === "forward" ? upTo(events, last) : events;
        if (wanted.length > 0) yield wanted;
        left -= wanted.length;
        from = reached;
        await nextTurn();
        signal?.throwIfAborted();
      }
    },

    async *readStream(stream, { direction = "forward", from, limit = Number.MAX_SAFE_INTEGER, damaged, signal }) {
      signal?.throwIfAborted();
      const forward = direction === "forward";
      const at = step((db) => db.streamHead(stream));
      const { id, head } = at;
      let next = forward ? Math.max(from ?? 0, 0) : Math.min(from ?? head, head);
      let left = limit;
      while (left > 0 && id !== 0 && next >= 0 && next <= head) {
        const wanted = Math.min(left, limits.batchEvents);
        const { events, cut } = step((db) =>
          take(db, wanted, (rows, last) => db.streamPage(at, direction, last === null ? next : last[2] + (forward ? 1 : -1), rows)),
        );
        if (damaged !== "given") refuseDamaged(stream, events);
        if (events.length > 0) yield events;
        if (!cut) return;
        left -= events.length;
        next = events.at(-1)!.revision + (forward ? 1 : -1);
        await nextTurn();
        signal?.throwIfAborted();
      }
    },

    findByIds(tenant, ids, enoughBytes = Number.POSITIVE_INFINITY) {
      if (ids.length > 1000) throw new RepriseError("REQUEST_INVALID", `At most 1000 ids are looked up at once, not ${ids.length}.`);
      return step((db) => {
        const all = [...new Set(ids)];
        const events: StoredEvent[] = [];
        let bytes = 0;
        // In groups that are large only while events are small: all at once may be a gigabyte before the first is counted.
        let size = enoughBytes === Number.POSITIVE_INFINITY ? all.length : fewIds;
        for (let from = 0; from < all.length && bytes < enoughBytes; ) {
          const before = bytes;
          const part = all.slice(from, from + size);
          const place = new Map(part.map((id, index) => [id, index]));
          const placeOf = (row: EventRow) => place.get(row[3]) ?? 0;
          for (const row of db.withIds(part).toSorted((one, other) => placeOf(one) - placeOf(other))) {
            if (bytes >= enoughBytes) break;
            const data = db.data(row);
            const event = db.decode(row, data); // one at a time: of a megabyte it takes as long as a request may hold the thread
            if (event.tenant !== tenant || event.position > db.lastPosition) continue;
            events.push(event);
            bytes += data.length;
          }
          from += size;
          size = bytes - before > enoughBytes / 8 ? fewIds : Math.min(size * 2, manyIds);
        }
        return events;
      });
    },
  };
}

/** The statement finds by a number of 15 bits, too, and what is read row by row is read whatever it is. A damaged event stays unless its type is known. */
function matches({ type, stream, damage }: StoredEvent, filter: EventFilter): boolean {
  if (damage !== undefined && (damage.typeDoubtful || stream === "")) return true;
  return "types" in filter ? filter.types.includes(type) : filter.streamPrefixes.some((prefix) => stream.startsWith(prefix));
}

/** `left join` keeps SQLite on positions (it would else read all events of the streams that match, and sort them), and an event that has lost its stream in sight. */
function scanStatement(columns: string, filter: EventFilter | undefined, direction: Direction): { readonly sql: string; readonly values: SQLInputValue[] } {
  const forward = direction === "forward";
  const range = forward ? "e.position > ? and e.position <= ?" : "e.position < ? and e.position >= ?";
  const end = `order by e.position ${forward ? "asc" : "desc"} limit ?`;
  if (filter === undefined) return { sql: `select ${columns} from events e where ${range} ${end}`, values: [] };
  if ("types" in filter) {
    const { types } = filter;
    // A table of them (`json_each`) would cost a tenth of the row. More would be a statement too long to keep.
    const [list, ...values] =
      types.length <= 100
        ? [types.map(() => "?").join(", "), types, types.map(typeKind)]
        : ["select value from json_each(?)", [JSON.stringify(types)], [JSON.stringify(types.map(typeKind))]];
    // By the type's number, too: an event whose type is damaged is not passed over.
    return { sql: `select ${columns} from events e where ${range} and (e.type in (${list}) or e.sum >> 32 in (${list})) ${end}`, values: values.flat() };
  }
  const prefix = "(s.name >= ? and s.name < ?)";
  const prefixes = filter.streamPrefixes.length === 0 ? "false" : filter.streamPrefixes.map(() => prefix).join(" or ");
  return {
    sql: `select ${columns} from events e left join streams s on s.id = e.stream_id where ${range} and (s.id is null or ${prefixes}) ${end}`,
    values: filter.streamPrefixes.flatMap((start) => [start, `${start}\u{10ffff}`]), // the last code point, in UTF-8's order too
  };
}

function upTo(events: readonly StoredEvent[], last: number): readonly StoredEvent[] {
  const beyond = events.findIndex((event) => event.position > last);
  return beyond === -1 ? events : events.slice(0, beyond);
}
