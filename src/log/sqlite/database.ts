/** One open log.db: its statements, the end of the log, and caches that die with it. */

import type { DatabaseSync, StatementSync } from "node:sqlite";
import { isBeyondNumbers } from "./careful-reads.ts";
import type { CheckpointNeeds } from "./checkpoints.ts";
import { type Decode, makeDecode } from "./decode.ts";
import { makeExplained } from "./explained.ts";
import { damagedFile } from "./file-header.ts";
import { isSummed, schemaProblem } from "./file-tables.ts";
import { type Inserts, makeInserts } from "./inserts.ts";
import { type KnownEvents, makeKnownEvents } from "./known-events.ts";
import { readLogEnd, readLogId } from "./log-tail.ts";
import { makeLostRows } from "./lost-rows.ts";
import { type Mender, makeMender } from "./mender.ts";
import { openRaw } from "./open-raw.ts";
import type { IfReadable, Opened } from "./opened.ts";
import { makeRoom, type Room } from "./room.ts";
import { columnsWithOwnData, pageColumns } from "./row.ts";
import { makeRowReads, type RowReads } from "./row-reads.ts";
import { fromSqliteError, isDamage } from "./sqlite-error.ts";
import { makeStatements } from "./statements.ts";
import { makeStreamHeads, type StreamHeads } from "./stream-heads.ts";
import { makeStreamNames, type StreamNames } from "./stream-names.ts";
import { makeStreamPages, type StreamPages } from "./stream-pages.ts";
import { makeTransactions, type Transactions } from "./transactions.ts";
import { makeTruncation, type Truncation } from "./truncation.ts";
import { WriteAheadLog } from "./wal.ts";

/** Keeps commits on the disk. */
export interface Durability {
  /** Waits, off this thread, until the disk has all commits. @throws the disk's error; then nobody knows what the disk has: see `rewrite`. */
  sync(): Promise<void>;
  /** The disk has all commits: somebody's sync brought them there. */
  isSynced(): boolean;
  /** After trouble with a commit or a sync: writes all commits again and syncs them. @throws LOG_SYNC_FAILED, LOG_FULL, LOG_UNAVAILABLE */
  rewrite(): void;
  /** Call it between transactions, when all commits are synced. @throws as SQLite does; nothing is lost then. */
  checkpoint(): void;
}

/** The parts of an open log.db. */
export interface LogDatabase
  extends Pick<Opened, "prepare" | "explained" | "columns" | "end" | "lost">,
    RowReads,
    StreamHeads,
    StreamPages,
    KnownEvents,
    Transactions,
    Durability,
    Inserts,
    Truncation,
    Room,
    Pick<StreamNames, "nameOf"> {
  readonly logId: string;
  readonly decode: Decode;
  /** Columns for pages of rows, of which only Reprise's own have their data. */
  readonly columnsWithOwnData: string;
  close(): void;
}

/**
 * @param access `write`: for the owner. `read`: beside an owner, or after an unclean stop; SQLite may make its index of the write-ahead log anew
 *   (`-shm`), nothing else. `frozen`: no file but log.db is looked at or made, so it must not change meanwhile.
 * @param owned for the owner.
 * @throws LOG_DAMAGED, LOG_FULL, LOG_UNAVAILABLE.
 */
export function openDatabase(path: string, cachedStreams: number, access: "write" | "read" | "frozen", owned?: CheckpointNeeds): LogDatabase {
  let db: DatabaseSync | null = null;
  try {
    db = openRaw(path, access);
    return makeDatabase(db, path, cachedStreams, owned);
  } catch (error) {
    db?.close();
    throw fromSqliteError(error, `Opening ${path}`);
  }
}

/** @param owned undefined where nothing is written. */
function makeDatabase(db: DatabaseSync, path: string, cachedStreams: number, owned: CheckpointNeeds | undefined): LogDatabase {
  // On macOS, fsync reaches the disk only with fullfsync; elsewhere it changes nothing.
  db.exec(
    // What was removed is written over where a page of it stays in the file.
    "pragma secure_delete=fast; pragma synchronous=full; pragma fullfsync=on; pragma checkpoint_fullfsync=on; pragma cache_size=-4096; pragma cache_spill=2048; pragma journal_size_limit=67108864; pragma wal_autocheckpoint=0",
  );
  let wal: WriteAheadLog | null = null;
  const { prepare, prepareBig } = makeStatements(db);
  const explained = makeExplained(() => wal);
  const summed = isSummed(Number((prepare("pragma user_version").get() as unknown as readonly [number])[0]));
  const schema = schemaProblem(db, summed);
  if (schema !== null) throw damagedFile(path, schema);
  const ifReadable = makeIfReadable(explained);
  const lost = makeLostRows({
    path,
    prepare,
    ifReadable,
    end: () => opened.end.lastPosition,
    rowAt: (position) => mender.rowAt(position),
    firstOf: (streamId) => mender.streamRow(streamId)?.first ?? 0,
  });
  const mender: Mender = makeMender(prepare, prepareBig, path, explained, summed ? lost : null);
  const columns = pageColumns(summed);
  const logId = readLogId({ prepare, path, columns, summed });
  if (owned !== undefined) wal = openWal(owned, (sql) => db.prepare(sql, { returnArrays: true }));

  const file = { path, summed, mender, lost, columns, prepare, explained, ifReadable };
  const opened: Opened = { ...file, end: readLogEnd(file) };
  const names = makeStreamNames(opened, cachedStreams);
  const reads = makeRowReads(opened, names);
  const pages = makeStreamPages(opened, names);
  const known = makeKnownEvents(opened, names, reads);
  const { inserts, pending } = makeInserts(opened, known, (bytes) => wal?.grew(bytes));
  return {
    logId,
    prepare,
    explained,
    columns,
    columnsWithOwnData: columnsWithOwnData(summed),
    end: opened.end,
    lost,
    decode: makeDecode(opened, names),
    nameOf: names.nameOf,
    ...reads,
    ...pages,
    ...known,
    ...inserts,
    ...makeStreamHeads(opened, names, cachedStreams),
    ...makeTransactions(db, opened, pending, wal),
    ...makeTruncation(opened, names, pages, (bytes) => wal?.grew(bytes)),
    ...makeRoom(db, opened, (bytes) => wal?.grew(bytes)),
    ...makeDurability(wal),
    close() {
      // Otherwise the end of the process closes it: the files stay as they are, and the next start reads them.
      if (wal?.mayClose() !== false) {
        wal?.release();
        db.close();
      }
      wal?.close();
    },
  };
}

function makeIfReadable(explained: (error: unknown) => unknown): IfReadable {
  return (read, otherwise) => {
    try {
      return read();
    } catch (error) {
      const cause = explained(error);
      if (cause !== error || (!isBeyondNumbers(error) && !isDamage(error))) throw cause;
      return otherwise;
    }
  };
}

/** @param wal null where nothing is written. */
function makeDurability(wal: WriteAheadLog | null): Durability {
  return {
    sync: async () => wal?.sync(),
    isSynced: () => wal?.isSynced ?? true,
    rewrite: () => wal?.rewrite(),
    checkpoint: () => wal?.checkpoint(),
  };
}

/**
 * An owner sees only events that are on the disk. The rest of an unclean end may only be in the system's memory, so it is written again. The names of the files
 * are synced, too, because SQLite does not report when the name of the write-ahead log could not be synced.
 */
function openWal(owned: CheckpointNeeds, prepare: (sql: string) => StatementSync): WriteAheadLog {
  const wal = new WriteAheadLog(owned, prepare);
  try {
    wal.rewrite();
  } catch (error) {
    wal.close();
    throw error;
  }
  return wal;
}
