import type { StoredEvent } from "../../event/event.ts";
import type { EventFilter } from "../event-log.ts";
import type { SqliteLogLimits } from "./limits.ts";
import { around } from "./page-lost.ts";
import { type Direction, scanStatement } from "./scan-statement.ts";
import type { Step } from "./step.ts";
import { matches, type Take } from "./take.ts";

export interface Scan {
  readonly events: readonly StoredEvent[];
  /** Characters of their data and metadata. */
  readonly bytes: number;
  /** All positions up to here (down to here, backward) have been looked at. */
  readonly reached: number;
}

/** Reads one step from `from` (exclusive) towards the end of the log, or its beginning, at most `limit` events. */
export type ScanStep = (
  filter: EventFilter | undefined,
  direction: Direction,
  from: number,
  limit: number,
  dataOf?: (stream: string) => boolean,
) => Promise<Scan>;

const positionsOf = { forward: scanStatement("e.position", undefined, "forward").sql, backward: scanStatement("e.position", undefined, "backward").sql };

export function makeScan(step: Step, take: Take, limits: Pick<SqliteLogLimits, "batchEvents" | "scanPositions">): ScanStep {
  const once = (filter: EventFilter | undefined, direction: Direction, from: number, limit: number, dataOf?: (stream: string) => boolean): Scan =>
    step((db) => {
      const columns = dataOf === undefined ? db.columns : db.columnsWithOwnData;
      const { sql, values } = scanStatement(columns, filter, direction);
      // Without a filter every position holds an event, so the number of events bounds the step.
      const span = filter === undefined ? Number.MAX_SAFE_INTEGER : limits.scanPositions;
      let reached = direction === "forward" ? Math.min(from + span, db.end.lastPosition) : Math.max(from - span, 1);
      const wanted = Math.min(limit, limits.batchEvents);
      const zone = direction === "forward" ? db.lost.zone(from + 1, reached, "below") : db.lost.zone(reached, from - 1, "above");
      if (zone !== null) {
        const { first, last } = zone;
        const beside = direction === "forward" ? first <= from + 1 : last >= from - 1;
        if (beside) {
          reached = direction === "forward" ? Math.min(reached, last) : Math.max(reached, first);
          const rows = direction === "forward" ? db.lost.rows(from + 1, reached, wanted, "below") : db.lost.rows(reached, from - 1, wanted, "above");
          const events = rows.map((row) => db.decode(row, db.data(row))).filter((event) => filter === undefined || matches(event, filter));
          return { events, bytes: 0, reached: rows.length === wanted ? rows.at(-1)![0] : reached };
        }
        reached = direction === "forward" ? first - 1 : last + 1;
      }
      const { events, bytes, cut } = take(
        db,
        wanted,
        (rows, last) => {
          const start = last === null ? from : last[0];
          return db.rows(sql, [start, reached, ...values, rows], { sql: positionsOf[direction], values: [start, reached, rows] });
        },
        dataOf,
        filter,
      );
      return { events, bytes, reached: cut ? Number(events.at(-1)!.position) : reached };
    });
  return (...asked) => around(() => once(...asked));
}
