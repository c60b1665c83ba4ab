import type { OwnedConnection } from "./connection.ts";
import { fromSqliteError, isSyncFailure } from "./sqlite-error.ts";

/** Makes sure that an append would be stored, by a commit of one page that changes nothing. @throws as an append. */
export async function probeLog(connection: OwnedConnection): Promise<void> {
  const db = connection.forWrite();
  const outcome = db.probe();
  if (outcome.is === "undone") throw fromSqliteError(outcome.error, "Trying whether the log takes anything");
  if (outcome.is === "unclear") connection.renew();
  else
    await db.sync().catch(() => {
      connection.renew();
    });
  try {
    connection.use().checkpoint();
  } catch (error) {
    if (isSyncFailure(error)) connection.renew(); // otherwise the write-ahead log grows, which appends report
  }
}
