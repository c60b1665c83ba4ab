import type { DatabaseSync } from "node:sqlite";
import { isBeyondNumbers } from "./careful-reads.ts";
import { isDamage } from "./sqlite-error.ts";

/** Runs SQLite's own check of its pages. @param add called for each wrong place. */
export function checkPages(db: DatabaseSync, add: (place: string, problem: string) => void): void {
  try {
    // Its rows are read one by one, because it names the pages first, and may then fail at one of them.
    for (const row of db.prepare("pragma integrity_check(1000)", { returnArrays: true }).iterate())
      for (const line of (row as unknown as readonly [string])[0].split("\n"))
        if (line !== "ok" && !line.startsWith("***")) {
          const [, tree, page] = /^(?:Tree (\d+) )?page (\d+)/i.exec(line) ?? [];
          add(page === undefined ? "log.db" : `page ${page}${tree === undefined ? "" : ` of tree ${tree}`}`, `SQLite's check: ${line}`);
        }
  } catch (error) {
    if (!isDamage(error) && !isBeyondNumbers(error)) throw error;
    add("log.db", `SQLite's check: ${(error as Error).message}`);
  }
}
