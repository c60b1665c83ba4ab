import { closeSync, openSync, statSync } from "node:fs";
import type { MessagePort } from "node:worker_threads";
import { RepriseError } from "../../errors.ts";
import { CheckpointWriter } from "./checkpoint-writer.ts";
import { type LogDatabase, openDatabase } from "./database.ts";
import type { SqliteLogLimits } from "./limits.ts";
import { fromSqliteError, isSyncFailure } from "./sqlite-error.ts";

/** The log's database. It is closed and opened again when nobody knows its content any more. */
export interface Connection {
  /** @throws CLOSED, or why it cannot be opened again; the next call tries anew. */
  use(): LogDatabase;
  /** Asked after each read, if present: false when the file changed during the read, which then has to be done again. */
  isWhole?(): boolean;
  close(): void;
}

/** The owner's connection. While the last write is in doubt, reads go on, because they never see it, but nothing is written. */
export interface OwnedConnection extends Omit<Connection, "close"> {
  /** @throws as `use`; while the last commit is in doubt, the reason. */
  forWrite(): LogDatabase;
  /** Until `renew` succeeds. */
  isInDoubt(): boolean;
  /**
   * After trouble with a commit or a sync: writes the log's content again, so that the disk surely has it, and opens the log anew.
   *
   * @throws LOG_SYNC_FAILED, LOG_FULL, LOG_UNAVAILABLE: the commit stays in doubt, and this may be tried again.
   */
  renew(): LogDatabase;
  /** Another thread makes a checkpoint, or has made it: the event loop brings its answer. */
  awaitsCheckpoint(): boolean;
  /** For a second thread of this process, which then makes checkpoints: see checkpoints.ts. */
  lend(): MessagePort;
  /** Resolves when no other thread uses the file for it any more, and it is closed. */
  close(): Promise<void>;
}

export function openConnection(path: string, { cachedStreams, checkpointPages }: SqliteLogLimits): OwnedConnection {
  const descriptor = openSync(path, "r+");
  const writer = new CheckpointWriter(path, descriptor);
  const open = () => openDatabase(path, cachedStreams, "write", { path, descriptor, writer, checkpointPages });
  let database: LogDatabase | null;
  try {
    database = open();
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
  let closed = false;
  let doubt: unknown = null;
  const drop = () => {
    const dropped = database;
    database = null;
    dropped?.close();
  };
  const use = () => {
    if (closed) throw new RepriseError("CLOSED", "The log is closed.");
    database ??= open();
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
    awaitsCheckpoint: () => writer.isAwaited,
    lend: () => writer.lend(),
    async close() {
      if (closed) return;
      closed = true;
      await writer.end();
      drop();
      if (writer.isAtRest) closeSync(descriptor); // after SQLite's own: see WriteAheadLog
    },
  };
}

/**
 * Reads without the lock, and changes no file with content. A log without a write-ahead log is read as it is, because SQLite would otherwise make two files
 * beside it and leave them. If an owner starts meanwhile and changes the file, the read is done again in the way that is right beside an owner.
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
