/**
 * Reads around damage: each fact that leads to an event stands in log.db twice (the links between a stream's events and their own columns, a stream's name in
 * its table and in its index, an id in its row and in its index), so what one bit spoils the other tells. It takes a look at every row where need be,
 * which only a damaged log pays for. Nothing is written: what was found is found again until the log is restored.
 */
import type { StatementSync } from "node:sqlite";
import { RepriseError } from "../../errors.ts";
import { parseStreamName } from "../../event/names.ts";
import { columnsDamage, type EventRow, hasItsType, pageColumns, summedColumns } from "./row.ts";
import { isDamage } from "./sqlite-error.ts";
import { headSum, rowSum, streamSum, typeOfKind } from "./sums.ts";

/** A row of `streams` that is as it was written. */
export interface StreamRow {
  readonly id: number;
  readonly name: string;
  readonly tenant: string;
  readonly first: number;
}

/** Where a damaged event belongs, as well as that can be told. */
export interface Whereabouts {
  readonly streamId: number;
  readonly revision: number;
  readonly id: string | null;
  /** Null: any type may be its own. */
  readonly type: string | null;
}

export interface Mender {
  /** Null when there is none, or none that could be trusted. */
  streamRow(id: number): StreamRow | null;
  /** The last event of a stream whose row of `heads` cannot be trusted. */
  headOf(stream: StreamRow): { readonly revision: number; readonly position: number };
  /** The event at a position, read by itself; its columns are empty when SQLite cannot read them. Undefined when there is none. */
  rowAt(position: number): EventRow | undefined;
  whereabouts(row: EventRow): Whereabouts;
  /** Events of a stream with these revisions, upwards, found one by one. @throws LOG_DAMAGED when one is not to be found. */
  streamRows(stream: StreamRow, head: { readonly revision: number; readonly position: number }, low: number, high: number): readonly EventRow[];
}

type Prepare = (sql: string) => StatementSync;

/** Whole numbers beyond 2^53 are damage: node:sqlite throws for them unless they come as bigint. */
export function isBeyondNumbers(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_OUT_OF_RANGE";
}

/**
 * @param prepareBig statements whose whole numbers come as bigint.
 * @param explained what a disk that cannot be read says, where SQLite takes that for damage; else the error as it is.
 */
export function makeMender(prepare: Prepare, prepareBig: Prepare, path: string, explained: (error: unknown) => unknown = (error) => error): Mender {
  const places = new Map<number, Whereabouts>();

  /** @throws what it is else: a disk that does not answer is no damage. */
  const mustBeDamage = (error: unknown): void => {
    const cause = explained(error);
    if (cause !== error || !(isDamage(error) || isBeyondNumbers(error) || error instanceof TypeError)) throw cause; // a blob where a text belongs
  };

  const rowAt = (position: number): EventRow | undefined => {
    try {
      const row = prepareBig(`select ${pageColumns(true)} from events e where e.position = ?`).get(position) as readonly unknown[] | undefined;
      return row?.map((value) => (typeof value === "bigint" ? Number(value) : value)) as unknown as EventRow | undefined;
    } catch (error) {
      mustBeDamage(error);
      return unreadable(position);
    }
  };

  /** Rows that a statement finds, each read by itself. */
  const positionsOf = (sql: string, ...values: readonly number[]): readonly number[] => {
    try {
      return (prepare(sql).all(...values) as unknown as readonly (readonly [number])[]).map(([position]) => position);
    } catch (error) {
      mustBeDamage(error);
      return []; // what cannot be searched tells nothing
    }
  };

  const trusted = (row: EventRow | undefined): EventRow | null => (row !== undefined && columnsDamage(row) === null ? row : null);

  function streamRow(id: number): StreamRow | null {
    try {
      const row = prepareBig("select name, tenant, first, sum from streams where id = ?").get(id) as unknown as
        | readonly [string, string, bigint, bigint]
        | undefined;
      if (row === undefined) return null;
      const [name, tenant, first, sum] = [row[0], row[1], Number(row[2]), Number(row[3])];
      const names = [name, ...(prepare("select name from streams indexed by sqlite_autoindex_streams_1 where id = ?").all(id) as unknown as [string][]).flat()];
      for (const candidate of names)
        for (const owner of new Set([tenant, candidate.slice(0, Math.max(0, candidate.indexOf(".")))]))
          if (streamSum(id, candidate, owner, first) === sum) return { id, name: candidate, tenant: owner, first };
      // Table and index agree: what is wrong is the sum, or where the stream begins now, which its events say, too.
      if (names.length < 2 || names[0] !== names[1] || parseStreamName(name) === null) return null;
      const [lowest] = prepare("select min(revision) from events where stream_id = ?").get(id) as unknown as readonly [number | null];
      return { id, name, tenant: name.slice(0, name.indexOf(".")), first: lowest ?? first };
    } catch (error) {
      mustBeDamage(error);
      return null;
    }
  }

  function whereabouts(row: EventRow): Whereabouts {
    let found = places.get(row[0]);
    if (found === undefined) places.set(row[0], (found = findPlace(row)));
    return found;
  }

  /** What stands elsewhere about the event is tried in place of its own columns, until its sum is right: then they were what was wrong. */
  function findPlace(row: EventRow): Whereabouts {
    const own = summedColumns(row);
    const right = (change: Partial<typeof own>): boolean => {
      try {
        return rowSum({ ...own, ...change }) % 4294967296 === row[13] % 4294967296;
      } catch {
        return false;
      }
    };
    const type = hasItsType(row) ? own.type : (typeOfKind(Math.floor(row[13] / 4294967296)) ?? null);
    if (type !== null && right({ type })) return { streamId: own.streamId, revision: own.revision, id: own.id, type };
    const before = own.previous > 0 ? trusted(rowAt(own.previous)) : null;
    const links: { readonly streamId: number; readonly revision: number; readonly previous?: number }[] = [];
    if (before !== null) links.push({ streamId: before[1], revision: before[2] + 1 });
    for (const position of positionsOf("select position from events where previous = ? and position > ? limit 1", own.position, own.position)) {
      const after = trusted(rowAt(position));
      if (after !== null) links.push({ streamId: after[1], revision: after[2] - 1 });
    }
    for (const position of positionsOf("select stream_id from heads where position = ?", own.position)) {
      const head = prepare("select revision from heads where stream_id = ?").get(position) as unknown as readonly [number] | undefined;
      if (head !== undefined) links.push({ streamId: position, revision: head[0] });
    }
    for (const link of links) if (right(link)) return { ...link, id: own.id, type: own.type };
    if (streamRow(own.streamId) !== null && own.revision >= 0) {
      const ids = prepare("select id from events indexed by events_by_id where position = ?").all(own.position) as unknown as readonly (readonly [string])[];
      for (const [id] of ids) if (right({ id })) return { streamId: own.streamId, revision: own.revision, id, type };
      // Two links that agree know better than the columns; else these do: what is wrong lies in another column, or in the link itself.
      const [one, other] = links;
      if (one === undefined || other === undefined || one.streamId !== other.streamId || one.revision !== other.revision)
        return { streamId: own.streamId, revision: own.revision, id: own.id, type };
    }
    const [link = { streamId: own.streamId, revision: own.revision }] = links;
    return { streamId: link.streamId, revision: link.revision, id: null, type };
  }

  function headOf({ id, first }: StreamRow): { readonly revision: number; readonly position: number } {
    for (const position of positionsOf("select position from events where stream_id = ? order by position desc limit 100", id)) {
      const row = trusted(rowAt(position));
      if (row !== null) return { revision: row[2], position };
    }
    return { revision: first - 1, position: 0 };
  }

  function streamRows(stream: StreamRow, head: { readonly revision: number; readonly position: number }, low: number, high: number): readonly EventRow[] {
    const rows: EventRow[] = [];
    let position = head.position;
    for (let revision = head.revision; revision >= low; revision--) {
      let row = position === 0 ? undefined : rowAt(position);
      if (row === undefined || !isOf(row, stream.id, revision)) {
        row = search(stream.id, revision);
        if (row === undefined)
          throw new RepriseError("LOG_DAMAGED", `${path} is damaged: revision ${revision} of ${stream.name} is not to be found.`, {
            fields: { stream: stream.name, revision },
          });
      }
      if (revision <= high) rows.unshift(row);
      // A link that cannot be trusted is not followed: 0 makes for a search.
      position = columnsDamage(row) === null ? row[11] : 0;
    }
    return rows;
  }

  /** It is the event, or is damaged and belongs there. */
  function isOf(row: EventRow, streamId: number, revision: number): boolean {
    if (columnsDamage(row) === null) return row[1] === streamId && row[2] === revision;
    const place = whereabouts(row);
    return place.streamId === streamId && place.revision === revision;
  }

  function search(streamId: number, revision: number): EventRow | undefined {
    // By either column: one of them may be what is wrong.
    const found = [
      ...positionsOf("select position from events where stream_id = ? and revision = ?", streamId, revision),
      ...positionsOf("select previous from events where stream_id = ? and revision = ? and previous > 0", streamId, revision + 1),
      ...positionsOf("select position from events where stream_id = ?", streamId),
    ];
    return found.map(rowAt).find((row) => row !== undefined && isOf(row, streamId, revision));
  }

  return { streamRow, headOf, rowAt, whereabouts, streamRows };
}

function unreadable(position: number): EventRow {
  return [position, 0, -1, "", "", 0, null, null, 0, "", "", 0, 0, 0];
}

/** What a row of `heads` says, when it can be trusted. */
export function isHead(streamId: number, revision: number | null, position: number | null, sum: number | null): boolean {
  return revision !== null && position !== null && sum === headSum(streamId, revision, position);
}
