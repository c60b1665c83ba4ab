import type { StatementSync } from "node:sqlite";
import type { LostRows } from "./lost-rows.ts";
import type { Mender } from "./mender.ts";

/** The end of the log. */
export interface LogEnd {
  /** Position of the last event, truncated or not; 0 for none. Set after each commit. */
  lastPosition: number;
  lastRecordedAtMs: number;
}

/** Returns the result of `read`, or `otherwise` when SQLite cannot read a row, or a number in it is too large. A disk that does not answer is no damage. */
export type IfReadable = <T, U>(read: () => T, otherwise: U) => T | U;

/** An open log.db, as its parts see it. */
export interface Opened {
  readonly path: string;
  /** Whether its rows have checksums. */
  readonly summed: boolean;
  readonly mender: Mender;
  /** Events whose page cannot be read. */
  readonly lost: LostRows;
  readonly end: LogEnd;
  /** The columns for pages of rows. */
  readonly columns: string;
  prepare(sql: string): StatementSync;
  /** The error itself, or the system's error when SQLite does not tell why a write or a read failed. */
  explained(error: unknown): unknown;
  readonly ifReadable: IfReadable;
}
