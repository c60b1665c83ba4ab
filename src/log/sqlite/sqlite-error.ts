import { RepriseError } from "../../errors.ts";

/** SQLite's result codes, as node:sqlite gives them in `errcode`: the primary code is in the low byte. */
export const sqliteFull = 13;
const sqliteBusy = 5;
const sqliteCorrupt = 11;
const sqliteNotADatabase = 26;
const ioErrorWrite = 10 | (3 << 8);
const ioErrorSharedMemorySize = 10 | (19 << 8);
const ioErrorSharedMemoryMap = 10 | (21 << 8);

const sqliteReadOnly = 8;
const sqliteCannotOpen = 14;

/** What no repeat mends: this user may not write there, or it is no folder. */
export function isUnusable(error: unknown): boolean {
  const primary = (sqliteErrorCode(error) ?? 0) & 255;
  return primary === sqliteReadOnly || primary === sqliteCannotOpen;
}

export function sqliteErrorCode(error: unknown): number | undefined {
  return error instanceof Error && "errcode" in error && typeof error.errcode === "number" ? error.errcode : undefined;
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
 * A disk without room shows in several ways: 13, an I/O error of a write (a file-size limit), and no room for the shared memory.
 */
export function fromSqliteError(error: unknown, doing: string): unknown {
  if (error instanceof RepriseError) return error;
  const code = sqliteErrorCode(error);
  if (code === undefined) return fromFileError(error, doing);
  const said = `${doing} failed: SQLite says "${(error as Error).message}" (${code}).`;
  if ((code & 255) === sqliteFull || code === ioErrorWrite || code === ioErrorSharedMemorySize || code === ioErrorSharedMemoryMap)
    return new RepriseError("LOG_FULL", said, { cause: error, retryAfterMs: 5000 });
  if (isDamage(error)) return new RepriseError("LOG_DAMAGED", said, { cause: error });
  return new RepriseError("LOG_UNAVAILABLE", said, { cause: error, retryAfterMs: isBusy(error) ? 100 : 1000 });
}

function fromFileError(error: unknown, doing: string): unknown {
  if (!(error instanceof Error && "syscall" in error && "code" in error)) return error;
  const said = `${doing} failed: ${error.message}`;
  if (error.code === "ENOSPC" || error.code === "EDQUOT" || error.code === "EFBIG")
    return new RepriseError("LOG_FULL", said, { cause: error, retryAfterMs: 5000 });
  if (error.syscall === "fdatasync") return new RepriseError("LOG_UNAVAILABLE", said, { cause: error, retryAfterMs: 1000 });
  return new RepriseError("CONFIG_INVALID", said, { cause: error });
}
