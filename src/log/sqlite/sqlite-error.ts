import { RepriseError } from "../../errors.ts";

/** SQLite's result codes, as node:sqlite gives them in `errcode`: the primary code is in the low byte. */
const sqliteFull = 13;
const sqliteBusy = 5;
const sqliteCorrupt = 11;
const sqliteNotADatabase = 26;
const ioErrorWrite = 10 | (3 << 8);
const ioErrorSync = 10 | (4 << 8);
const ioErrorFolderSync = 10 | (5 << 8);
const ioErrorSharedMemorySize = 10 | (19 << 8);
const ioErrorSharedMemoryMap = 10 | (21 << 8);

const sqliteReadOnly = 8;
const sqliteCannotOpen = 14;

/** Errors that no repeat can mend: this user may not write there, or it is no folder. */
export function isUnusable(error: unknown): boolean {
  const primary = (sqliteErrorCode(error) ?? 0) & 255;
  return primary === sqliteReadOnly || primary === sqliteCannotOpen;
}

export function sqliteErrorCode(error: unknown): number | undefined {
  return error instanceof Error && "errcode" in error && typeof error.errcode === "number" ? error.errcode : undefined;
}

/** The disk did not take the write, so nobody knows what the disk has. */
export function isSyncFailure(error: unknown): boolean {
  const code = sqliteErrorCode(error);
  return code === ioErrorSync || code === ioErrorFolderSync || (error instanceof RepriseError && error.code === "LOG_SYNC_FAILED");
}

/** For a commit: its last page was not written, so nothing was committed. */
export function wasNotWritten(error: unknown): boolean {
  return sqliteErrorCode(error) === sqliteFull || isWriteFailure(error);
}

export function isWriteFailure(error: unknown): boolean {
  return sqliteErrorCode(error) === ioErrorWrite;
}

export function isBusy(error: unknown): boolean {
  return ((sqliteErrorCode(error) ?? 0) & 255) === sqliteBusy;
}

export function isDamage(error: unknown): boolean {
  const primary = (sqliteErrorCode(error) ?? 0) & 255;
  return primary === sqliteCorrupt || primary === sqliteNotADatabase;
}

/**
 * SQLite's and the file system's errors in our words; a RepriseError passes, anything else is a defect and comes back as it is.
 * A disk without room shows in several ways: 13, and no room for the shared memory. When a write failed for another reason (a limit
 * of a file's size, a quota, the disk itself) SQLite does not say which: `WriteAheadLog.whyNotWritten` finds out.
 */
export function fromSqliteError(error: unknown, doing: string): unknown {
  if (error instanceof RepriseError) return error;
  const code = sqliteErrorCode(error);
  if (code === undefined) return fromFileError(error, doing);
  const said = `${doing} failed: SQLite says "${(error as Error).message}" (${code}).`;
  if ((code & 255) === sqliteFull || code === ioErrorSharedMemorySize || code === ioErrorSharedMemoryMap)
    return new RepriseError("LOG_FULL", said, { cause: error, retryAfterMs: 5000 });
  if (isSyncFailure(error)) return new RepriseError("LOG_SYNC_FAILED", said, { cause: error, retryAfterMs: 1000 });
  if (isDamage(error)) return new RepriseError("LOG_DAMAGED", said, { cause: error });
  return new RepriseError("LOG_UNAVAILABLE", said, { cause: error, retryAfterMs: isBusy(error) ? 100 : 1000 });
}

function fromFileError(error: unknown, doing: string): unknown {
  if (!(error instanceof Error && "syscall" in error && "code" in error)) return error;
  const said = `${doing} failed: ${error.message}`;
  if (error.syscall === "fdatasync" || error.syscall === "fsync") return new RepriseError("LOG_SYNC_FAILED", said, { cause: error, retryAfterMs: 1000 });
  if (isNoRoom(error)) return new RepriseError("LOG_FULL", said, { cause: error, retryAfterMs: 5000 });
  if (error.code === "EIO") return new RepriseError("LOG_UNAVAILABLE", said, { cause: error, retryAfterMs: 1000 });
  return new RepriseError("CONFIG_INVALID", said, { cause: error });
}

export function isNoRoom(error: unknown): boolean {
  return error instanceof Error && "code" in error && ["ENOSPC", "EDQUOT", "EFBIG"].includes(error.code as string);
}
