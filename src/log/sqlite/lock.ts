import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { RepriseError } from "../../errors.ts";
import { isBusy, isDamage } from "./sqlite-error.ts";

/**
 * Makes this process the one owner of the log in `folder`, until `release` or its end: also SIGKILL frees an SQLite lock, and no stale
 * file can hold it. It lies on a file of its own, since an exclusive lock on log.db would shut out read-only tools.
 *
 * @throws LOG_IN_USE when a process (or another log in this one) has it.
 */
export function lockFolder(folder: string): { release(): void } {
  const path = join(folder, "lock.db");
  const db = new DatabaseSync(path, { timeout: 0 });
  try {
    db.exec("pragma locking_mode=exclusive; begin exclusive");
  } catch (error) {
    db.close();
    if (isBusy(error)) throw new RepriseError("LOG_IN_USE", `Another process owns the log in ${folder}.`, { cause: error });
    if (isDamage(error)) throw new RepriseError("LOG_FOREIGN", `${path} is not the lock of a Reprise log.`, { cause: error });
    throw error;
  }
  return { release: () => db.close() };
}
