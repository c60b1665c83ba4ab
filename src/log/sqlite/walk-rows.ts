/** All rows of `events` that can be read, in steps that leave others their turns. */
import type { StatementSync } from "node:sqlite";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { EventRow } from "./row.ts";

/** A log with pages that cannot be read, as those see it who look for what stood there. */
export interface LostRowsOptions {
  readonly path: string;
  readonly prepare: (sql: string) => StatementSync;
  /** What `read` gives; `otherwise` when SQLite cannot read it. @throws when the disk does not answer. */
  readonly ifReadable: <T, U>(read: () => T, otherwise: U) => T | U;
  /** Position of the last event now. */
  readonly end: () => number;
  /** Read by itself; undefined when there is none. */
  readonly rowAt: (position: number) => EventRow | undefined;
  /** The lowest revision that a stream still has. */
  readonly firstOf: (streamId: number) => number;
}

/** Rows of one step, some milliseconds; tries to read past a page, row by row. */
export const stepRows = 2000;

type Columns = readonly number[];

/** Null: SQLite cannot read it. */
export function allOf({ prepare, ifReadable }: LostRowsOptions, sql: string, ...values: readonly (number | string)[]): readonly Columns[] | null {
  return ifReadable(() => prepare(sql).all(...values) as unknown as readonly Columns[], null);
}

/** @param columns what `tell` is given after the position. @param miss of each position where a page cannot be read. */
export async function walkRows(
  log: LostRowsOptions,
  { from, columns }: { readonly from: number; readonly columns: string },
  tell: (row: Columns) => void,
  miss: (position: number) => void = () => {},
): Promise<void> {
  for (let reached = from; reached < log.end(); await nextTurn()) {
    const rows = allOf(log, `select position, ${columns} from events where position > ? order by position limit ${stepRows}`, reached);
    if (rows === null) {
      reached = oneByOne(log, { from: reached, columns }, tell, miss);
      continue;
    }
    for (const row of rows) tell(row);
    reached = rows.length < stepRows ? log.end() : rows.at(-1)![0]!;
  }
}

function oneByOne(
  log: LostRowsOptions,
  { from, columns }: { readonly from: number; readonly columns: string },
  tell: (row: Columns) => void,
  miss: (position: number) => void,
): number {
  let reached = from;
  for (let tries = 0; tries < stepRows && reached < log.end(); tries++) {
    // From the position itself: a look behind the one before would go by the page before.
    const next = allOf(log, "select position from events where position >= ? order by position limit 1", reached + 1);
    if (next === null) miss(++reached);
    else if (next[0] === undefined) return log.end();
    else {
      reached = next[0][0]!;
      const row = allOf(log, `select position, ${columns} from events where position = ?`, reached)?.[0];
      if (row !== undefined) tell(row);
    }
  }
  return reached;
}
