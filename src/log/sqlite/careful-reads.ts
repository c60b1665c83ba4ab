import type { StatementSync } from "node:sqlite";
import type { LostRows } from "./lost-rows.ts";
import { columnsDamage, columnsWithoutData, type EventRow, pageColumns } from "./row.ts";
import { isDamage } from "./sqlite-error.ts";

export type Prepare = (sql: string) => StatementSync;

/** Whole numbers beyond 2^53 are damage: node:sqlite throws for them unless they come as bigint. */
export function isBeyondNumbers(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_OUT_OF_RANGE";
}

/** Rows of a log that may be damaged, each read by itself. */
export interface CarefulReads {
  readonly prepare: Prepare;
  readonly prepareBig: Prepare;
  /** Rows whose page cannot be read; null: nobody looks for them. */
  readonly lost: LostRows | null;
  /** @throws any error that is no damage, such as a disk that does not answer. */
  mustBeDamage(error: unknown): void;
  /** The event at a position; its columns are empty when SQLite cannot read them. Undefined when there is none. */
  rowAt(position: number): EventRow | undefined;
  /** Positions that a statement finds; none when SQLite cannot search there. */
  positionsOf(sql: string, ...values: readonly number[]): readonly number[];
}

/**
 * @param prepareBig statements whose whole numbers come as bigint.
 * @param explained turns an error of SQLite into the disk's error, when SQLite takes an unreadable disk for damage; other errors stay as they are.
 */
export function makeCarefulReads(prepare: Prepare, prepareBig: Prepare, explained: (error: unknown) => unknown, lost: LostRows | null): CarefulReads {
  const mustBeDamage = (error: unknown): void => {
    const cause = explained(error);
    if (cause !== error || !(isDamage(error) || isBeyondNumbers(error) || error instanceof TypeError)) throw cause; // a blob where a text belongs
  };
  /** Reads a row without its data, because a large row's data has pages of its own, which may be the unreadable ones. */
  const withoutItsData = (position: number): EventRow => {
    try {
      const row = prepare(`select ${columnsWithoutData} from events e where e.position = ?`).get(position) as unknown as EventRow | undefined;
      return row ?? unreadable(position);
    } catch (error) {
      mustBeDamage(error);
      return unreadable(position);
    }
  };
  return {
    prepare,
    prepareBig,
    lost,
    mustBeDamage,
    rowAt(position) {
      try {
        const row = prepareBig(`select ${pageColumns(true)} from events e where e.position = ?`).get(position) as readonly unknown[] | undefined;
        return row?.map((value) => (typeof value === "bigint" ? Number(value) : value)) as unknown as EventRow | undefined;
      } catch (error) {
        mustBeDamage(error);
        return lost?.at(position) ?? withoutItsData(position);
      }
    },
    positionsOf(sql, ...values) {
      try {
        return (prepare(sql).all(...values) as unknown as readonly (readonly [number])[]).map(([position]) => position);
      } catch (error) {
        mustBeDamage(error);
        return []; // what cannot be searched tells nothing
      }
    },
  };
}

export const trusted = (row: EventRow | undefined): EventRow | null => (row !== undefined && columnsDamage(row) === null ? row : null);

function unreadable(position: number): EventRow {
  return [position, 0, -1, "", "", 0, null, null, 0, "", "", 0, 0, 0];
}

/** Nothing but its position is known. */
export function isUnreadable([, streamId, revision, id]: EventRow): boolean {
  return streamId === 0 && revision === -1 && id === "";
}
