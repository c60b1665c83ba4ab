import { existsSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { RepriseError } from "../../errors.ts";
import { makePrivateFile } from "../private-files.ts";
import { isBusy, isDamage } from "./sqlite-error.ts";

/** Folders whose log this very process owns. */
const ownedHere = new Set<string>();

/**
 * True when this process owns the log in `folder`. No other part of the process may open and close its files then: the system would end its locks on them, and
 * another program that closes log.db would take itself for the last one and remove the write-ahead log under the owner.
 */
export function isOwnedHere(folder: string): boolean {
  return existsSync(folder) && ownedHere.has(realpathSync(folder));
}

/**
 * Makes this process the one owner of the log in `folder`, until `release` or its end: also SIGKILL frees an SQLite lock, and no stale
 * file can hold it. It lies on a file of its own, since an exclusive lock on log.db would shut out read-only tools.
 *
 * @throws LOG_IN_USE when a process (or another log in this one) has it.
 */
export function lockFolder(folder: string): { release(): void } {
  const path = join(folder, "lock.db");
  if (isOwnedHere(folder)) throw new RepriseError("LOG_IN_USE", `This process owns the log in ${folder} already.`);
  makePrivateFile(path);
  const db = new DatabaseSync(path, { timeout: 0 });
  try {
    db.exec("pragma locking_mode=exclusive; begin exclusive");
  } catch (error) {
    db.close();
    if (isBusy(error)) throw new RepriseError("LOG_IN_USE", `Another process owns the log in ${folder}.`, { cause: error });
    if (isDamage(error)) throw new RepriseError("LOG_FOREIGN", `${path} is not the lock of a Reprise log.`, { cause: error });
    throw error;
  }
  const owned = realpathSync(folder);
  ownedHere.add(owned);
  return {
    release() {
      db.close();
      ownedHere.delete(owned);
    },
  };
}
