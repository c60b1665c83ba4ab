import { constants, copyFileSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { isRepriseError } from "../../errors.ts";
import { makePrivateFolder } from "../private-files.ts";
import { checkOwner, damagedFile, immutable, lacksPages, readHeader, walBytes } from "./file-header.ts";
import { pragma } from "./pragma.ts";
import { fromSqliteError, isDamage } from "./sqlite-error.ts";

export interface FileCheck {
  /** An index has other entries than its table, so a look-up by it may miss rows. */
  readonly indexesLie: boolean;
}

const unchecked: FileCheck = { indexesLie: false };

/**
 * Looks for torn and overwritten pages. A file up to `maxCheckBytes` is read in full (64 MiB: about 0.1 s); beyond that damage shows as
 * LOG_DAMAGED at the read that meets it. After an unclean stop a copy is checked, since SQLite would bring the write-ahead log into the original.
 *
 * @throws LOG_DAMAGED, LOG_NEWER, LOG_FOREIGN.
 */
export function checkLogFile(path: string, maxCheckBytes: number): FileCheck {
  if (lacksPages(path, readHeader(path))) throw damagedFile(path, "it is shorter than its header says");
  if (statSync(path).size + walBytes(path) > maxCheckBytes) return unchecked;
  const pending = walBytes(path) > 0;
  if (!pending) {
    return checkPages(path, new DatabaseSync(immutable(path), { readOnly: true }));
  }
  const folder = join(dirname(path), "check.tmp");
  rmSync(folder, { recursive: true, force: true });
  try {
    makePrivateFolder(folder);
    const copy = join(folder, "log.db");
    copyFileSync(path, copy, constants.COPYFILE_FICLONE);
    copyFileSync(`${path}-wal`, `${copy}-wal`, constants.COPYFILE_FICLONE);
    return checkPages(path, new DatabaseSync(copy));
  } catch (error) {
    // When the disk is too full for a copy, the log opens unchecked, as a log does that is too large to check.
    if (!isRepriseError(fromSqliteError(error, "Copying"), "LOG_FULL")) throw error;
    return unchecked;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function checkPages(path: string, db: DatabaseSync): FileCheck {
  try {
    const problems = pageProblems(db);
    const torn = problems.find((problem) => !rowProblem.test(problem));
    if (torn !== undefined) throw damagedFile(path, `SQLite's check found broken pages (${torn.replace(/^\*\*\*.*\n/, "")})`);
    checkOwner(path, pragma(db, "application_id"), pragma(db, "user_version"));
    return { indexesLie: problems.some((problem) => indexProblem.test(problem)) };
  } catch (error) {
    throw fromSqliteError(error, `Checking ${path}`);
  } finally {
    db.close();
  }
}

/** Problems of one row, which its sum shows at the read, or of an index, which is made anew. They say nothing about a page. */
const rowProblem =
  /^(\S+ value in \S+|(row \d+|\d+ rows?) missing from index |wrong # of entries in index |non-unique entry in index |CHECK constraint failed )/i;

const indexProblem = /missing from index|entries in index/;

/** The problems in the words of SQLite's check. The check ends early at a row that it cannot read; then only the trees are walked. */
function pageProblems(db: DatabaseSync): readonly string[] {
  const all = (sql: string) => (db.prepare(sql, { returnArrays: true }).all() as unknown as readonly (readonly [string])[]).map(([text]) => text);
  try {
    return all("pragma integrity_check(100)").filter((problem) => problem !== "ok");
  } catch (error) {
    if (!isDamage(error)) throw error;
    for (const table of ["events", "streams", "heads", "marks", "tail"]) db.prepare(`select count(*) from ${table} not indexed`).get();
    db.prepare("select count(*), max(position) from events indexed by events_by_id where id > ''").get();
    return [];
  }
}
