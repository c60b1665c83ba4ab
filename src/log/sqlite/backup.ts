/** A copy of log.db as it is at one moment, beside an owner that goes on. */
import { chmodSync, closeSync, existsSync, fsyncSync, mkdirSync, mkdtempSync, openSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { backup, type DatabaseSync } from "node:sqlite";
import { RepriseError } from "../../errors.ts";
import type { CheckOptions, LogCheck } from "../check-log.ts";
import { syncFolder } from "../durable-files.ts";
import { checkSqliteLog } from "./check.ts";
import { stateOf } from "./connection.ts";
import { openRaw } from "./database.ts";
import { inspectLogFile } from "./file.ts";
import { openSqliteLogReadOnly } from "./open-sqlite-log.ts";
import { fromSqliteError } from "./sqlite-error.ts";

export interface Backup {
  readonly logId: string;
  readonly bytes: number;
  readonly lastPosition: bigint;
  /** Of the copy, read back. */
  readonly check: LogCheck;
}

/** In one step: SQLite begins again whenever another process has written between two, which under load is always. In the write-ahead log a reader stops no writer. */
const allPages = 2 ** 31 - 1;

/**
 * Copies the log in `folder` into the new folder `to`, which appears when all of it is on disk and was read back: a log of its own from which a service starts.
 * Read by nobody else: 0600 in 0700.
 *
 * @throws LOG_MISSING; LOG_DAMAGED when SQLite cannot read on; LOG_FULL; CONFIG_INVALID when `to` is in use or cannot be written. Then nothing is left.
 */
export async function backupSqliteLog(folder: string, to: string, options: CheckOptions = {}): Promise<Backup> {
  const path = join(folder, "log.db");
  if (!inspectLogFile(path)) throw new RepriseError("LOG_MISSING", `There is no log in ${folder}.`);
  if (existsSync(to) && !(statSync(to).isDirectory() && readdirSync(to).length === 0))
    throw new RepriseError("CONFIG_INVALID", `--to is ${to}: something is there already. Name a new folder.`);
  let draft: string | null = null;
  try {
    mkdirSync(dirname(to), { recursive: true });
    draft = mkdtempSync(`${to}.partial-`); // 0700
    const copy = join(draft, "log.db");
    closeSync(openSync(copy, "wx", 0o600));
    await copyPages(path, copy);
    chmodSync(copy, 0o600);
    syncFile(copy);
    syncFolder(copy);
    const check = await checkSqliteLog(draft, options);
    const { logId, lastPosition } = await readBack(draft);
    const { size: bytes } = statSync(copy);
    renameSync(draft, to);
    syncFolder(to);
    return { logId, bytes, lastPosition, check };
  } catch (error) {
    if (draft !== null) rmSync(draft, { recursive: true, force: true });
    throw fromSqliteError(error, `The backup to ${to}`);
  }
}

async function copyPages(path: string, copy: string): Promise<void> {
  for (;;) {
    // Without a write-ahead log there is nothing but the file; SQLite would make two more beside it, and leave them. Should an owner come meanwhile: again.
    const frozenAs = (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0 ? null : stateOf(path);
    let source: DatabaseSync | null = null;
    try {
      source = openRaw(path, frozenAs === null ? "read" : "frozen");
      await backup(source, copy, { rate: allPages });
    } finally {
      source?.close();
    }
    if (frozenAs === null || frozenAs === stateOf(path)) return;
  }
}

async function readBack(folder: string): Promise<{ readonly logId: string; readonly lastPosition: bigint }> {
  const log = await openSqliteLogReadOnly(folder);
  try {
    return { logId: log.logId, lastPosition: await log.head() };
  } finally {
    await log.close();
  }
}

function syncFile(path: string): void {
  const file = openSync(path, "r+");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
