/** Copies log.db as it is at one moment, while an owner goes on. */
import { chmodSync, closeSync, existsSync, mkdtempSync, openSync, readdirSync, renameSync, rmdirSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { backup, type DatabaseSync } from "node:sqlite";
import { RepriseError } from "../../errors.ts";
import type { CheckOptions, LogCheck } from "../check-log.ts";
import { syncFile, syncFolder } from "../durable-files.ts";
import { makePrivateFolder } from "../private-files.ts";
import { checkSqliteLog } from "./check.ts";
import { stateOf } from "./connection.ts";
import { inspectLogFile } from "./file-header.ts";
import { openRaw } from "./open-raw.ts";
import { openSqliteLogReadOnly } from "./open-sqlite-log.ts";
import { fromSqliteError } from "./sqlite-error.ts";

export interface Backup {
  readonly logId: string;
  readonly bytes: number;
  readonly lastPosition: bigint;
  /** Of the copy, read back. */
  readonly check: LogCheck;
  /** Folders of other backups beside it that were cut off, or are still being made. */
  readonly unfinished: readonly string[];
}

/** Begins the name of the folder of an unfinished backup. */
const partial = "partial-";

/** One step copies everything, because SQLite begins again whenever another process writes between two steps, as it always does under load. Readers stop no writer. */
const allPages = 2 ** 31 - 1;

/**
 * Copies the log in `folder` into the folder `to`: a log of its own from which a service starts. It gets its name only when all of it is on disk and was read
 * back. Other users cannot read it: 0600 in 0700.
 *
 * @throws LOG_MISSING; LOG_DAMAGED when SQLite cannot read on; LOG_FULL; CONFIG_INVALID when `to` is in use or cannot be written; the signal's reason. Then nothing is left.
 */
export async function backupSqliteLog(folder: string, to: string, options: CheckOptions = {}): Promise<Backup> {
  const path = join(folder, "log.db");
  if (!inspectLogFile(path)) throw new RepriseError("LOG_MISSING", `There is no log in ${folder}.`);
  const isThere = existsSync(to);
  if (isThere) mustBeEmpty(to);
  let draft: string | null = null;
  try {
    if (isThere || !existsSync(dirname(to))) makePrivateFolder(isThere ? to : dirname(to));
    // An existing folder may be a volume of its own. Nothing can be moved over it, and a file made beside it would be on another disk.
    draft = mkdtempSync(isThere ? join(to, partial) : `${to}.${partial}`); // 0700
    const copy = join(draft, "log.db");
    closeSync(openSync(copy, "wx", 0o600));
    await copyPages(path, copy);
    options.signal?.throwIfAborted();
    chmodSync(copy, 0o600);
    syncFile(copy);
    syncFolder(copy);
    const check = await checkSqliteLog(draft, options);
    options.signal?.throwIfAborted();
    const { logId, lastPosition } = await readBack(draft);
    const { size: bytes } = statSync(copy);
    if (isThere) {
      renameSync(copy, join(to, "log.db"));
      rmdirSync(draft);
      syncFolder(join(to, "log.db"));
    } else {
      renameSync(draft, to);
      syncFolder(to);
    }
    return { logId, bytes, lastPosition, check, unfinished: isThere ? [] : unfinishedBeside(to) };
  } catch (error) {
    if (draft !== null) rmSync(draft, { recursive: true, force: true });
    const told = fromSqliteError(error, `The backup to ${to}`);
    if (told instanceof RepriseError && told.code === "LOG_FULL")
      throw new RepriseError("LOG_FULL", `${told.message} It is the backup's disk that has no room, not the log's; nothing of the backup is left.`, {
        cause: error,
      });
    throw told;
  }
}

/** @throws CONFIG_INVALID. */
function mustBeEmpty(to: string): void {
  const names = statSync(to).isDirectory() ? readdirSync(to).filter((name) => name !== "lost+found") : null;
  if (names?.length === 0) return;
  const cutOff = names?.find((name) => name.startsWith(partial));
  throw new RepriseError(
    "CONFIG_INVALID",
    cutOff === undefined
      ? `--to is ${to}: something is there already. Name a new folder.`
      : `--to is ${to}: the backup in ${cutOff} is still being made, or was cut off. If it was cut off, remove that folder; else name another.`,
  );
}

function unfinishedBeside(to: string): readonly string[] {
  const all = readdirSync(dirname(to), { withFileTypes: true });
  const drafts = all.filter((each) => each.isDirectory() && new RegExp(`\\.${partial}\\w{6}$`).test(each.name) && each.name !== basename(to));
  return drafts.map(({ name }) => join(dirname(to), name)).sort();
}

async function copyPages(path: string, copy: string): Promise<void> {
  for (;;) {
    // Without a write-ahead log there is only the file, and SQLite would make two more beside it, and leave them. If an owner starts meanwhile, begin again.
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
