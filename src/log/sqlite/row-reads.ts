import type { SQLInputValue } from "node:sqlite";
import { isBeyondNumbers, isUnreadable } from "./careful-reads.ts";
import type { Opened } from "./opened.ts";
import { PageLost } from "./page-lost.ts";
import { type EventRow, textOf } from "./row.ts";
import { isDamage } from "./sqlite-error.ts";
import type { StreamNames } from "./stream-names.ts";

/** Reads rows of `events`, and their data. */
export interface RowReads {
  /**
   * Rows of a statement. A row fails its whole page when it holds a number that is too large, or when SQLite cannot read it. Then `positions`, which looks at
   * no column, names the rows, and they are read one by one, whatever else the statement demands of them.
   *
   * @throws PageLost when a single row cannot be read, either, and the log was not read for it yet.
   */
  rows(sql: string, values: readonly SQLInputValue[], positions: { readonly sql: string; readonly values: readonly SQLInputValue[] }): readonly EventRow[];
  /** Of any tenant. */
  withIds(ids: readonly string[]): readonly EventRow[];
  /** The data of a row of `columns`. SQLite may return another type, or nothing, for the data of a damaged row: then it is empty. */
  data(row: EventRow): string;
  /** The data of a row of `columnsWithOwnData`, when `wanted` asks for it; otherwise null. */
  dataOf(row: EventRow, wanted: (stream: string) => boolean): string | null;
  /** The data at a position as SQLite gives it. */
  dataAt(position: number): unknown;
}

const selectData = "select data from events where position = ?";
export const selectByIds = (columns: string) => `select ${columns} from json_each(?) wanted cross join events e on e.id = wanted.value`;

export function makeRowReads({ prepare, mender, explained, ifReadable, columns, summed, path, lost }: Opened, { nameOf, readNames }: StreamNames): RowReads {
  const dataAt = (position: number): unknown => ifReadable(() => (prepare(selectData).get(position) as unknown as readonly [unknown] | undefined)?.[0], "");
  const reads: RowReads = {
    withIds(ids) {
      const values = [JSON.stringify(ids)];
      return reads.rows(selectByIds(columns), values, { sql: selectByIds("e.position"), values });
    },
    rows(sql, values, positions) {
      try {
        const found = prepare(sql).all(...values) as unknown as readonly EventRow[];
        readNames(found);
        return found;
      } catch (error) {
        if (explained(error) !== error || (!isBeyondNumbers(error) && !isDamage(error))) throw error;
        const found = ifReadable(() => prepare(positions.sql).all(...positions.values) as unknown as readonly (readonly [number])[], null);
        if (found === null) throw summed ? new PageLost(path, lost.explore, error) : error;
        const read = found.map(([position]) => mender.rowAt(position)).filter((row) => row !== undefined);
        // Until the log was read for it, nobody knows whose event stood there, nor under which id: no reader may take it for none of its own.
        if (summed && !lost.isExplored() && read.some(isUnreadable)) throw new PageLost(path, lost.explore, error);
        return read;
      }
    },

    data: (row) => textOf(row[10] ?? dataAt(row[0])),
    dataOf: (row, wanted) => (wanted(nameOf(row[1]).stream) ? reads.data(row) : null),
    dataAt,
  };
  return reads;
}
