import type { DatabaseSync, StatementSync } from "node:sqlite";
import { columnsDamage, dataDamage, type EventRow, pageColumns } from "../row.ts";
import { scanStatement } from "../scan-statement.ts";
import type { PageLimits, ReadFrom } from "./messages.ts";
import { type PackedPage, PagePacker } from "./packed-page.ts";

/** Their data has two megabytes at most, because larger data is read by itself. */
const rowsAtOnce = 64;

/** Reads the page behind `after`, up to `end`. Null when one of its rows is damaged. @throws as SQLite does. */
export type ReadPage = (after: number, end: number) => PackedPage | null;

export function makeReadPage(db: DatabaseSync, types: ReadFrom["types"], { batchEvents, batchBytes, scanPositions }: PageLimits): ReadPage {
  const { sql, values } = scanStatement(pageColumns(true), types === null ? undefined : { types }, "forward");
  const rowsBehind = db.prepare(sql, { returnArrays: true });
  const dataAt = db.prepare("select data from events where position = ?", { returnArrays: true });
  const wanted = types === null ? null : new Set(types);

  return (after, end) => {
    const through = wanted === null ? end : Math.min(after + scanPositions, end);
    const page = new PagePacker();
    let bytes = 0;
    for (let last = after; ; ) {
      const atMost = Math.min(rowsAtOnce, batchEvents - page.events);
      const rows = rowsBehind.all(last, through, ...values, atMost) as unknown as readonly EventRow[];
      for (const row of rows) {
        const data = row[10] ?? readData(dataAt, row[0]);
        if (columnsDamage(row) !== null || dataDamage(row[12], data) !== null) return null;
        last = row[0];
        if (wanted?.has(row[4]) === false) continue; // the statement also finds by a number of 15 bits
        page.add(row, data);
        bytes += row[9].length + data.length;
        if (page.events === batchEvents || bytes >= batchBytes) return page.packed({ after, reached: last, bytes });
      }
      if (rows.length < atMost) return page.packed({ after, reached: through, bytes });
    }
  };
}

/** @returns what is no text for a row that is gone, which then counts as damaged. */
function readData(dataAt: StatementSync, position: number): string {
  return (dataAt.get(position) as unknown as readonly [string] | undefined)?.[0] ?? "";
}
