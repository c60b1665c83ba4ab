import { statSync } from "node:fs";
import { RepriseError } from "../../errors.ts";
import { type LogDatabase, openDatabase } from "./database.ts";

/** The log's database, which is closed and opened again when nobody knows any more what it holds. */
export interface Connection {
  /** @throws CLOSED, or why it cannot be opened again; the next call tries anew. */
  use(): LogDatabase;
  /** After an unclear commit: the next `use` reads from disk what was stored. */
  drop(): void;
  /** Asked after each read, where it exists: false when the file changed under it, so that the read has to be done again. */
  isWhole?(): boolean;
  close(): void;
}

export function openConnection(path: string, cachedStreams: number): Connection {
  let database: LogDatabase | null = openDatabase(path, cachedStreams);
  let closed = false;
  const drop = () => {
    const dropped = database;
    database = null;
    dropped?.close();
  };
  return {
    use() {
      if (closed) throw new RepriseError("CLOSED", "The log is closed.");
      database ??= openDatabase(path, cachedStreams);
      return database;
    },
    drop,
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
    drop,
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
function stateOf(path: string): string {
  const { ino, size, mtimeNs } = statSync(path, { bigint: true });
  return `${ino} ${size} ${mtimeNs}`;
}
