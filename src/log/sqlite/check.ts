/**
 * Checks everything in log.db: SQLite's pages, each row's sum, and whether the places that hold the same fact agree. Reads one state of the log while a
 * service may go on; writes nothing.
 */

import { statSync } from "node:fs";
import { join } from "node:path";
import { RepriseError } from "../../errors.ts";
import { type CheckOptions, type LogCheck, makeFindings } from "../check-log.ts";
import { checkPages } from "./check-pages.ts";
import { stateOf } from "./connection.ts";
import { inspectLogFile } from "./file-header.ts";
import { isSummed, schemaProblem } from "./file-tables.ts";
import { openRaw } from "./open-raw.ts";
import { pragma } from "./pragma.ts";
import { RowCheck } from "./row-check.ts";
import { isDamage } from "./sqlite-error.ts";

/** @throws LOG_MISSING; LOG_NEWER for a format that this build does not know. */
export async function checkSqliteLog(folder: string, options: CheckOptions = {}): Promise<LogCheck> {
  const path = join(folder, "log.db");
  const found = makeFindings();
  const notChecked: string[] = [];
  let events = 0;
  try {
    if (!inspectLogFile(path)) throw new RepriseError("LOG_MISSING", `There is no log in ${folder}.`);
  } catch (error) {
    if (!(error instanceof RepriseError) || error.code !== "LOG_DAMAGED") throw error;
    found.add("log.db", error.message);
    return { events, findings: found.list, findingsTotal: found.total, notChecked: ["what the file holds: it cannot be opened"] };
  }
  // A log without an owner is read as it is, so that no file is made beside it. If an owner starts meanwhile, everything is read again beside the owner.
  const frozenAs = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ? null : stateOf(path);
  const db = openRaw(path, frozenAs === null ? "read" : "frozen");
  try {
    db.exec("begin"); // one state of the log, however long it takes
    const summed = isSummed(pragma(db, "user_version"));
    if (!summed) notChecked.push(`each row: format ${pragma(db, "user_version")} has no checksums; a start of the service adds them`);
    const schema = schemaProblem(db, summed);
    if (schema !== null) found.add("log.db", schema);
    checkPages(db, found.add);
    const rows = new RowCheck(db, path, summed, found.add, (what) => notChecked.push(what));
    await rows.run(options);
    events = rows.events;
  } catch (error) {
    if (!isDamage(error)) throw error;
    found.add("log.db", `SQLite cannot read on: ${(error as Error).message}`);
    notChecked.push("the rows: the file's own description cannot be read");
  } finally {
    db.close();
  }
  if (frozenAs !== null && frozenAs !== stateOf(path) && !options.signal?.aborted) return checkSqliteLog(folder, options);
  return { events, findings: found.list, findingsTotal: found.total, notChecked };
}
