import type { DatabaseSync } from "node:sqlite";
import type { PendingRows } from "./inserts.ts";
import { lockPatienceMs } from "./open-raw.ts";
import type { Opened } from "./opened.ts";
import { isSyncFailure, wasNotWritten } from "./sqlite-error.ts";
import type { WriteAheadLog } from "./wal.ts";

/** `unclear`: nobody knows whether it is stored, and the database must be opened again. */
export type Outcome = { readonly is: "stored" } | { readonly is: "undone" | "unclear"; readonly error: unknown };

export interface Transactions {
  /**
   * All or nothing. `work` is synchronous.
   *
   * @param durable `now`: it is on disk when this says `stored`; `later`: when `sync` then resolves. Until then a power cut may take it, a crash cannot.
   */
  transact(work: () => void, durable: "now" | "later"): Outcome;
  /** Makes the smallest commit, which changes nothing, as `later` does. It does not wait for another program's lock. */
  probe(): Outcome;
}

/** @param wal null where nothing is written. */
export function makeTransactions(db: DatabaseSync, { prepare, explained }: Opened, pending: PendingRows, wal: WriteAheadLog | null): Transactions {
  let durability: "now" | "later" = "now";
  // Prepared statements, and `get` in place of `run`, because SQLite then parses nothing and node:sqlite makes no object of the changes: 0.3 against 1.4 µs.
  const begin = prepare("begin immediate");
  const commit = prepare("commit");
  const transactions: Transactions = {
    transact(work, durable) {
      pending.clear();
      try {
        if (durable !== durability) db.exec(`pragma synchronous=${durable === "now" ? "full" : "normal"}`);
        durability = durable;
        begin.get();
        work();
        pending.write();
      } catch (error) {
        return { is: rollBack(db) ? "undone" : "unclear", error: explained(error) };
      }
      try {
        commit.get();
        wal?.committed(durable === "now");
        return { is: "stored" };
      } catch (error) {
        // Still in the transaction: SQLite refused to begin the commit. Not written: the commit's last page, which makes it count, is missing.
        // After any other error (a failed fsync), the commit may or may not have reached the disk.
        const refused = db.isTransaction && rollBack(db);
        if (isSyncFailure(error)) wal?.failed(error);
        return { is: refused || wasNotWritten(error) ? "undone" : "unclear", error: explained(error) };
      }
    },

    probe() {
      db.exec("pragma busy_timeout=0");
      wal?.grew(0);
      try {
        // It sets the row's key, because for another column SQLite sees that nothing changes, and writes nothing.
        return transactions.transact(() => void prepare("update tail set one = one").run(), "later");
      } finally {
        db.exec(`pragma busy_timeout=${lockPatienceMs}`);
      }
    },
  };
  return transactions;
}

/** A full disk makes SQLite roll back by itself, and a later statement would then commit alone. So this looks at isTransaction. */
function rollBack(db: DatabaseSync): boolean {
  try {
    if (db.isTransaction) db.exec("rollback");
    return true;
  } catch {
    return false; // the caller closes the database, and answers with the first error
  }
}
