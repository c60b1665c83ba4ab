import type { StoredEvent } from "../../event/event.ts";
import type { StreamRead, StreamWanted } from "../event-log.ts";
import type { LogDatabase } from "./database.ts";
import type { SqliteLogLimits } from "./limits.ts";
import { textOf } from "./row.ts";
import type { Step } from "./step.ts";
import type { Stretch } from "./stream-pages.ts";

/** Of one statement, unless a single stream has more: a page without its large data has 4 MiB at most. */
const pageRows = 128;

/** In one step, which takes as long as that of a batch. */
export function readStreams(
  step: Step,
  wanted: readonly StreamWanted[],
  limit: number,
  { batchEvents, batchBytes }: Pick<SqliteLogLimits, "batchEvents" | "batchBytes">,
): readonly StreamRead[] {
  return step((db) => {
    const read: StreamRead[] = [];
    let [events, bytes] = [0, 0];
    while (read.length < wanted.length && events < batchEvents && bytes < batchBytes) {
      const page = nextPage(db, wanted, read.length, limit);
      for (const [at, rows] of db.streamPages(page).entries()) {
        const taken: StoredEvent[] = [];
        for (const row of rows) {
          if (bytes >= batchBytes) break;
          const data = db.data(row);
          taken.push(db.decode(row, data));
          bytes += textOf(row[9]).length + data.length;
        }
        read.push({ head: page[at]!.stream.head, events: taken });
        events += taken.length;
        if (bytes >= batchBytes) break;
      }
    }
    return read;
  });
}

/** The streams of one statement. */
function nextPage(db: LogDatabase, wanted: readonly StreamWanted[], begin: number, limit: number): readonly Stretch[] {
  const page: Stretch[] = [];
  let rows = 0;
  for (const { stream, from } of wanted.slice(begin)) {
    const at = db.streamHead(stream);
    rows += Math.max(0, Math.min(limit, at.head - from + 1));
    if (rows > pageRows && page.length > 0) break;
    page.push({ stream: at, from, limit });
  }
  return page;
}
