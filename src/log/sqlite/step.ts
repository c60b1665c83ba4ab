import type { Connection } from "./connection.ts";
import type { LogDatabase } from "./database.ts";
import { fromSqliteError } from "./sqlite-error.ts";

/** One bounded synchronous step of a read. It is repeated when the file was not whole. */
export type Step = <T>(read: (db: LogDatabase) => T) => T;

export function makeStep(connection: Connection): Step {
  return (read) => {
    for (;;) {
      let db: LogDatabase | null = null;
      try {
        db = connection.use();
        const result = read(db);
        if (connection.isWhole?.() !== false) return result;
      } catch (error) {
        if (connection.isWhole?.() !== false) throw fromSqliteError(db?.explained(error) ?? error, "Reading the log");
      }
    }
  };
}
