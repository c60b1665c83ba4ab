/** The floor of memory-10m: `node bare-grow.ts <log.db> <twin.db>`. Prints the largest resident memory in MB. */
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { emptyTwin } from "../twin.ts";
import { peakMemoryMb } from "./peak-memory.ts";

const [path = "", twinPath = ""] = process.argv.slice(2);
const twin = emptyTwin(path, twinPath);
// As many as the log's format has now.
const columns = twin.prepare("select name from pragma_table_info('events')").all();
const insert = twin.prepare(`insert into events values (${columns.map(() => "?").join(", ")})`);

const log = new DatabaseSync(path, { readOnly: true });
forEachPage(log, (rows) => {
  twin.exec("begin immediate");
  for (const row of rows) insert.run(...row);
  twin.exec("commit");
});
log.close();
forEachPage(twin, () => {});
twin.close();
console.log(peakMemoryMb());

function forEachPage(db: DatabaseSync, take: (rows: readonly (readonly SQLInputValue[])[]) => void): void {
  const page = db.prepare("select * from events where position > ? order by position limit 1000", { returnArrays: true });
  for (let after: SQLInputValue = 0; ; ) {
    const rows = page.all(after) as unknown as readonly (readonly SQLInputValue[])[];
    if (rows.length === 0) return;
    take(rows);
    after = rows.at(-1)![0]!;
  }
}
