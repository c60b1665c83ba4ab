import type { Turns } from "../../../event/turns.ts";
import type { Sources } from "../context.ts";
import { rowsAtOnce } from "../ways.ts";

/** What one count works with: its moment of the rows, and the turns that all its parts share. */
export interface Counting {
  readonly sources: Sources;
  readonly turns: Turns;
}

/** Parts of the positions beyond `low` up to `high`, each with a bounded number of events. */
export async function* positions(
  db: Sources["db"],
  low: number,
  high: number,
  turns: Turns,
): AsyncGenerator<{ readonly low: number; readonly high: number }, void> {
  for (let from = low; from < high; ) {
    if (turns.due()) await turns.next();
    const { rows, last } = db().get<{ rows: number; last: number | null }>(
      `select count(*) as rows, max(position) as last from (select position from events not indexed where position > ? and position <= ? order by position limit ${rowsAtOnce})`,
      from,
      high,
    )!;
    if (last === null) return;
    yield { low: from, high: last };
    if (rows < rowsAtOnce) return;
    from = last;
  }
}
