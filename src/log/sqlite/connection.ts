import { statSync } from "node:fs";
import { RepriseError } from "../../errors.ts";
import { type LogDatabase, openDatabase } from "./database.ts";
import { fromSqliteError, isSyncFailure } from "./sqlite-error.ts";

/** The log's database, which is closed and opened again when nobody knows any more what it holds. */
export interface Connection {
  /** @throws CLOSED, or why it cannot be opened again; the next call tries anew. */
  use(): LogDatabase;
  /** Asked after each read, where it exists: false when the file changed under it, so that the read has to be done again. */
  isWhole?(): boolean;
  close(): void;
}

/** The owner's. Reads go on while what was written last is in doubt, as they are never shown it; nothing is written meanwhile. */
export interface OwnedConnection extends Connection {
  /** @throws as `use`; while what was committed last is in doubt, why. */
  forWrite(): LogDatabase;
  /** Until `renew` succeeds. */
  isInDoubt(): boolean;
  /**
   * After trouble with a commit or a sync: makes sure, by writing it again, that the disk has what the log says it holds, and opens it anew.
   *
   * @throws LOG_SYNC_FAILED, LOG_FULL, LOG_UNAVAILABLE: all stays in doubt, and may be tried again.
   */
  renew(): LogDatabase;
}

export function openConnection(path: string, cachedStreams: number): OwnedConnection {
  let database: LogDatabase | null = openDatabase(path, cachedStreams);
  let closed = false;
  let doubt: unknown = null;
  const drop = () => {
    const dropped = database;
    database = null;
    dropped?.close();
  };
  const use = () => {
    if (closed) throw new RepriseError("CLOSED", "The log is closed.");
    database ??= openDatabase(path, cachedStreams);
    return database;
  };
  const renew = () => {
    try {
      use().rewrite();
      drop();
      const renewed = use();
      doubt = null;
      return renewed;
    } catch (error) {
      doubt = fromSqliteError(error, "Writing again what may not be on the disk");
      throw doubt;
    }
  };
  return {
    use,
    forWrite() {
      if (doubt === null) return use();
      if (isSyncFailure(doubt)) throw doubt; // a disk that does not sync is tried once a second
      return renew();
    },
    isInDoubt: () => doubt !== null,
    renew,
    close() {
      closed = true;
      drop();
    },
  };
}

/**
 * Reads without the lock, and changes no file that holds anything. A log without a write-ahead log is read as it lies there, since SQLite would else make two
 * files beside it and leave them; should an owner start meanwhile and change the file, what was being read is read again, the way it is done beside an owner.
 */
export function openReadOnlyConnection(path: string, cachedStreams: number): Connection {
  let open: { readonly database: LogDatabase; readonly frozenAs: string | null } | null = null;
  let closed = false;
  const use = () => {
    if (closed) throw new RepriseError("CLOSED", "The log is closed.");
    if (open === null) {
      const frozenAs = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ? null : stateOf(path);
      open = { database: openDatabase(path, cachedStreams, frozenAs === null ? "read" : "frozen"), frozenAs };
    }
    return open.database;
  };
  const drop = () => {
    open?.database.close();
    open = null;
  };
  use();
  return {
    use,
    isWhole() {
      if (open === null || open.frozenAs === null || open.frozenAs === stateOf(path)) return true;
      drop();
      return false;
    },
    close() {
      closed = true;
      drop();
    },
  };
}

/** Another text when the file was written to or replaced. */
export function stateOf(path: string): string {
  const { ino, size, mtimeNs } = statSync(path, { bigint: true });
  return `${ino} ${size} ${mtimeNs}`;
}
