/** One open log.db: its statements, the end of the log, and caches that die with it. */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { LRUCache } from "lru-cache";
import { RepriseError } from "../../errors.ts";
import type { Entity, EventMetadata, Json, StoredEvent } from "../../event/event.ts";
import { freezeDeep } from "../../event/freeze-deep.ts";
import { logStream, parseStreamName } from "../../event/names.ts";
import type { EncodedEvent } from "../append-rules.ts";
import { RowBuffer } from "../row-buffer.ts";
import { eventsPerMark } from "./file.ts";
import { NewIds } from "./new-ids.ts";
import { fromSqliteError, isDamage, isSyncFailure, isWriteFailure, wasNotWritten } from "./sqlite-error.ts";
import { WriteAheadLog } from "./wal.ts";

export const eventColumns = "e.position, e.stream_id, e.revision, e.id, e.type, e.schema_version, e.source, e.occurred_at, e.recorded_at, e.metadata, e.data";
/** The same with an empty text for the data. */
export const eventColumnsWithoutData = eventColumns.replace(/e\.data$/, "''");
/** A row of `eventColumns`, as an array: half the cost of an object (2 against 0.96 million rows a second). */
export type EventRow = readonly [number, number, number, string, string, number, string | null, string | null, number, string, string];

/** A row of `events` has `previous` as well. */
const columns = eventColumns.split(", ").length + 1;

/** Where a stream is: `id` 0, `head` −1 and `position` 0 before its first event. */
export interface StreamHead {
  id: number;
  head: number;
  /** Of the last event, truncated or not. */
  position: number;
}

/** A stored event as far as judging an append with its id needs it. */
export interface KnownEvent {
  readonly id: string;
  readonly tenant: string;
  readonly stream: string;
  readonly revision: number;
  readonly position: number;
  readonly type: string;
  readonly schemaVersion: number;
  readonly recordedAtMs: number;
  readonly data: string;
}

/** `unclear`: nobody knows whether it is stored, and the database must be opened again. */
export type Outcome = { readonly is: "stored" } | { readonly is: "undone" | "unclear"; readonly error: unknown };

export interface LogDatabase {
  readonly logId: string;
  /** Position of the last event, truncated or not; 0 for none. Set after each commit. */
  lastPosition: number;
  lastRecordedAtMs: number;

  /** One statement for reads; rows come as arrays. It must be read to its end, or left, before the next await. */
  prepare(sql: string): StatementSync;
  /** An error of SQLite's, or what the system says, where SQLite keeps to itself why a write or a read failed. */
  explained(error: unknown): unknown;
  /** @param data the row's, as JSON; null where nobody needs it. */
  decode(row: EventRow, data: string | null): StoredEvent;
  /** What `dataOf` wants of a row of `eventColumnsWithoutData`, or null. */
  dataOf(row: EventRow, wanted: (stream: string) => boolean): string | null;
  streamHead(stream: string): StreamHead;
  /** The same of several that are not in memory. One statement for all: a statement for each costs twice as much. */
  streamHeads(streams: readonly string[]): ReadonlyMap<string, StreamHead>;
  rememberHead(stream: string, at: StreamHead): void;
  /** The events with these ids, of any tenant. One statement for a group's ids: a statement for each cost twice as much. */
  knownEvents(ids: readonly string[]): readonly KnownEvent[];

  /**
   * All or nothing. `work` is synchronous.
   *
   * @param durable `now`: it is on disk when this says `stored`; `later`: when `sync` then resolves. Until then a power cut may take it, a crash cannot.
   */
  transact(work: () => void, durable: "now" | "later"): Outcome;
  /** The smallest commit there is, `later`, which changes nothing; another program's lock is not waited for. */
  probe(): Outcome;
  /** Waits, off this thread, for the disk to have all that was committed. @throws what the disk says; nobody knows then what it has: see `rewrite`. */
  sync(): Promise<void>;
  /** After trouble with a commit or a sync: writes again, and syncs, all that was committed. @throws LOG_SYNC_FAILED, LOG_FULL, LOG_UNAVAILABLE */
  rewrite(): void;
  /** Between transactions, when all that was committed is synced. @throws as SQLite does; nothing is lost by it. */
  checkpoint(): void;
  insertStream(stream: string, tenant: string): number;
  /** Stored by the end of `transact`. @param previous position of the event before it in its stream, 0 for none. */
  insertEvent(position: number, streamId: number, revision: number, previous: number, recordedAtMs: number, event: EncodedEvent): void;
  /** Where a stream is after the events of this transaction. Stored by the end of `transact`. */
  writeHead(at: StreamHead): void;
  /** Up to `limit` events of a stream from a revision on, in the order of the direction, none beyond `head`. */
  streamPage(stream: StreamHead, direction: "forward" | "backward", from: number, limit: number): readonly EventRow[];
  /** Removes up to `limit` of the stream's oldest events below `before`; answers how many. Inside `transact`. */
  removeEvents(streamId: number, before: number, limit: number): number;
  close(): void;
}

/** Another program's write lock is waited for on this thread: no longer. */
const lockPatienceMs = 200;

/**
 * @param access `write`: for the owner. `read`: beside an owner, or after an unclean stop; SQLite may make its index of the write-ahead log anew
 *   (`-shm`), nothing else. `frozen`: no file but log.db is looked at or made, so it must not change meanwhile.
 * @throws LOG_DAMAGED, LOG_FULL, LOG_UNAVAILABLE.
 */
export function openDatabase(path: string, cachedStreams: number, access: "write" | "read" | "frozen" = "write"): LogDatabase {
  let db: DatabaseSync | null = null;
  try {
    db = new DatabaseSync(existing(path, access), { timeout: lockPatienceMs, enableForeignKeyConstraints: false, readOnly: access !== "write" });
    return makeDatabase(db, path, cachedStreams, access === "write");
  } catch (error) {
    db?.close();
    throw fromSqliteError(error, `Opening ${path}`);
  }
}

/** SQLite would make an empty file where there is none. */
function existing(path: string, access: "write" | "read" | "frozen"): URL {
  const url = pathToFileURL(path);
  url.searchParams.set("mode", access === "write" ? "rw" : "ro");
  if (access === "frozen") url.searchParams.set("immutable", "1");
  return url;
}

function makeDatabase(db: DatabaseSync, path: string, cachedStreams: number, writes: boolean): LogDatabase {
  // fullfsync is what makes fsync reach the disk on macOS; elsewhere it says nothing.
  db.exec(
    "pragma synchronous=full; pragma fullfsync=on; pragma checkpoint_fullfsync=on; pragma cache_size=-8192; pragma journal_size_limit=67108864; pragma wal_autocheckpoint=0",
  );
  // Kept ones run three times as fast as new ones (284,000 against 93,000 a second). A filter by stream prefixes has a text of its own.
  const statements = new LRUCache<string, StatementSync>({ max: 100 });
  const prepare = (sql: string) => {
    let statement = statements.get(sql);
    if (statement === undefined) statements.set(sql, (statement = db.prepare(sql, { returnArrays: true })));
    return statement;
  };
  const logId = readLogId(prepare, path);
  const wal = writes ? openWal(path, (sql) => db.prepare(sql, { returnArrays: true })) : null;

  const selectName = prepare("select name from streams where id = ?");
  const selectKnown = prepare(
    "select e.id, s.tenant, s.name, e.revision, e.position, e.type, e.schema_version, e.recorded_at, e.data from json_each(?) wanted cross join events e on e.id = wanted.value join streams s on s.id = e.stream_id",
  );
  const selectGreatest = prepare("select max(id) from events where id < ?");

  const tail = prepare(
    "select max(t.position, coalesce(e.position, 0)), max(t.recorded_at, coalesce(e.recorded_at, 0)) from tail t left join (select position, recorded_at from events order by position desc limit 1) e",
  ).get() as unknown as readonly [number, number];

  /** Of what is committed and waits for the disk nothing is shown yet: from a stream's last event back to one that is. */
  const shown = ([id, head, position]: HeadRow): StreamHead => {
    const at = { id, head, position };
    while (at.position > database.lastPosition) {
      const [previous] = prepare("select previous from events where position = ?").get(at.position) as unknown as readonly [number];
      at.position = previous;
      at.head--;
    }
    return at;
  };
  const heads = new LRUCache<string, StreamHead>({ max: cachedStreams });
  /** By id modulo their number: a look costs a fifth of one into an LRU cache, and it is made for each event that is read. */
  const names = Array.from<{ readonly id: number; readonly stream: string; readonly tenant: string; readonly entity: Entity } | undefined>({
    length: cachedStreams,
  });
  const rememberName = (id: number, stream: string) => {
    const name = { id, stream, ...(parseStreamName(stream) ?? { tenant: "", entity: { type: "", id: "" } }) };
    names[id % cachedStreams] = name;
    return name;
  };
  const nameOf = (id: number) => {
    const name = names[id % cachedStreams];
    return name?.id === id ? name : rememberName(id, (selectName.get(id) as unknown as readonly [string])[0]);
  };
  /** Events of one commit share their time: making its text costs a quarter of a decoded event. */
  let recorded = { ms: -1, iso: "" };
  const isoOf = (ms: number) => (recorded.ms === ms ? recorded : (recorded = { ms, iso: new Date(ms).toISOString() })).iso;

  /** Neighbours in the log often have the same text: parsing it is a twentieth of what a replay costs. Frozen, as they share what comes of it. */
  let parsed: { readonly text: string; readonly metadata: EventMetadata } = { text: "", metadata: { priority: "normal" } };
  const metadataOf = (text: string) => (parsed.text === text ? parsed : (parsed = { text, metadata: freezeDeep(JSON.parse(text) as EventMetadata) })).metadata;

  const firstOf = (streamId: number) => (prepare("select first from streams where id = ?").get(streamId) as unknown as readonly [number] | undefined)?.[0] ?? 0;
  const explained = (error: unknown) => (isWriteFailure(error) ? wal?.whyNotWritten() : isDamage(error) ? wal?.whyNotRead() : null) ?? error;
  let durability: "now" | "later" = "now";
  const newIds = new NewIds((bound) => (selectGreatest.get(bound) as unknown as readonly [string | null])[0]);
  const eventRows = new RowBuffer(
    columns,
    (rows) => `insert or rollback into events values ${rows}`,
    (sql, values) => prepare(sql).run(...values),
  );
  const headRows = new RowBuffer(
    3,
    (rows) => `insert or rollback into heads values ${rows} on conflict (stream_id) do update set revision = excluded.revision, position = excluded.position`,
    (sql, values) => prepare(sql).run(...values),
  );

  const database: LogDatabase = {
    logId,
    lastPosition: tail[0],
    lastRecordedAtMs: tail[1],
    prepare,
    explained,

    dataOf: (row, wanted) =>
      wanted(nameOf(row[1]).stream) ? (prepare("select data from events where position = ?").get(row[0]) as unknown as readonly [string])[0] : null,

    decode(row, data) {
      const { stream, tenant, entity } = nameOf(row[1]);
      return {
        id: row[3],
        type: row[4],
        schemaVersion: row[5],
        source: row[6],
        occurredAt: row[7],
        data: data === null ? null : (JSON.parse(data) as Json),
        metadata: metadataOf(row[9]),
        stream,
        tenant,
        entity,
        revision: row[2],
        position: BigInt(row[0]),
        recordedAt: isoOf(row[8]),
      };
    },

    streamHead(stream) {
      const cached = heads.get(stream);
      if (cached !== undefined) return cached;
      const row = prepare(`${selectHead} where s.name = ?`).get(stream) as unknown as HeadRow | undefined;
      if (row === undefined) return { id: 0, head: -1, position: 0 };
      const at = shown(row);
      heads.set(stream, at);
      return at;
    },
    streamHeads(streams) {
      const unknown = new Set<string>();
      for (const stream of streams) if (!heads.has(stream)) unknown.add(stream);
      if (unknown.size < 2) return noHeads;
      const found = new Map<string, StreamHead>();
      for (const stream of unknown) found.set(stream, { id: 0, head: -1, position: 0 });
      const rows = prepare(selectHeads).all(JSON.stringify([...unknown])) as unknown as readonly (readonly [...HeadRow, string])[];
      for (const [id, head, position, stream] of rows) found.set(stream, shown([id, head, position]));
      return found;
    },
    rememberHead(stream, at) {
      heads.set(stream, at);
      // Who follows the log reads it soon, and would else ask for the name of each new stream.
      if (names[at.id % cachedStreams]?.id !== at.id) rememberName(at.id, stream);
    },

    knownEvents(ids) {
      const old = ids.filter((id) => !newIds.isNew(id, database.lastRecordedAtMs));
      if (old.length === 0) return [];
      const rows = selectKnown.all(JSON.stringify(old)) as unknown as readonly (readonly [
        string,
        string,
        string,
        number,
        number,
        string,
        number,
        number,
        string,
      ])[];
      return rows.map(([id, tenant, stream, revision, position, type, schemaVersion, recordedAtMs, data]) => {
        return { id, tenant, stream, revision, position, type, schemaVersion, recordedAtMs, data };
      });
    },

    transact(work, durable) {
      eventRows.clear();
      headRows.clear();
      try {
        if (durable !== durability) db.exec(`pragma synchronous=${durable === "now" ? "full" : "normal"}`);
        durability = durable;
        db.exec("begin immediate");
        work();
        eventRows.write();
        headRows.write();
      } catch (error) {
        return { is: rollBack(db) ? "undone" : "unclear", error: explained(error) };
      }
      try {
        db.exec("commit");
        return { is: "stored" };
      } catch (error) {
        // Still in the transaction: SQLite refused to begin the commit. Not written: its last page, the one that counts, is not there.
        // Anything else (a failed fsync) may or may not have reached the disk.
        const refused = db.isTransaction && rollBack(db);
        if (isSyncFailure(error)) wal?.failed(error);
        return { is: refused || wasNotWritten(error) ? "undone" : "unclear", error: explained(error) };
      }
    },

    probe() {
      db.exec("pragma busy_timeout=0");
      wal?.grew(0);
      try {
        // The row's key: of another column SQLite sees that nothing changes, and writes nothing.
        return database.transact(() => void prepare("update tail set one = one").run(), "later");
      } finally {
        db.exec(`pragma busy_timeout=${lockPatienceMs}`);
      }
    },

    sync: async () => wal?.sync(),
    rewrite: () => wal?.rewrite(),
    checkpoint() {
      try {
        wal?.checkpoint();
      } catch (error) {
        if (isSyncFailure(error)) wal?.failed(error);
        throw error;
      }
    },

    insertStream: (stream, tenant) => Number(prepare("insert into streams (name, tenant, first) values (?, ?, 0)").run(stream, tenant).lastInsertRowid),
    insertEvent(position, streamId, revision, previous, recordedAtMs, { event: { id, type, schemaVersion, source, occurredAt }, data, metadata }) {
      newIds.stored(id);
      wal?.grew(data.length);
      eventRows.values.push(position, streamId, revision, previous, id, type, schemaVersion, source, occurredAt, recordedAtMs, metadata, data);
      eventRows.added();
      if (revision > 0 && revision % eventsPerMark === 0) prepare("insert into marks values (?, ?, ?)").run(streamId, revision, position);
    },
    writeHead({ id, head, position }) {
      headRows.values.push(id, head, position);
      headRows.added();
    },
    streamPage({ id, head }, direction, from, limit) {
      const first = firstOf(id);
      const [low, high] =
        direction === "forward" ? [Math.max(from, first), Math.min(Math.max(from, first) + limit - 1, head)] : [Math.max(from - limit + 1, first), from];
      if (low > high) return [];
      const rows = prepare(selectPage).all(id, high, id, low, high) as unknown as EventRow[];
      return rows.sort(direction === "forward" ? (one, other) => one[2] - other[2] : (one, other) => other[2] - one[2]);
    },
    removeEvents(streamId, before, limit) {
      const last = Math.min(before, firstOf(streamId) + limit) - 1;
      const removed = Number(prepare(deleteEvents).run(streamId, last, streamId, 0, last).changes);
      if (removed === 0) return 0;
      prepare("delete from marks where stream_id = ? and revision <= ?").run(streamId, last);
      prepare("update streams set first = ? where id = ?").run(last + 1, streamId);
      prepare("update tail set position = ?, recorded_at = ?").run(database.lastPosition, database.lastRecordedAtMs);
      return removed;
    },
    close() {
      // Else it is left to the end of the process: the files stay as they are, and the next start reads them.
      if (wal?.mayClose() !== false) db.close();
      wal?.close();
    },
  };
  return database;
}

/**
 * All that an owner is shown is on the disk: what an unclean end has left may only be in the system's memory, so it is written again. Names of the files, too:
 * SQLite does not say when that of the write-ahead log could not be synced.
 */
function openWal(path: string, prepare: (sql: string) => StatementSync): WriteAheadLog {
  const wal = new WriteAheadLog(path, prepare);
  try {
    wal.rewrite();
  } catch (error) {
    wal.close();
    throw error;
  }
  return wal;
}

type HeadRow = readonly [id: number, head: number, position: number];
const headColumns = "s.id, coalesce(h.revision, s.first - 1), coalesce(h.position, 0)";
const selectHead = `select ${headColumns} from streams s left join heads h on h.stream_id = s.id`;
const selectHeads = `select ${headColumns}, s.name from json_each(?) wanted cross join streams s on s.name = wanted.value left join heads h on h.stream_id = s.id`;
const noHeads: ReadonlyMap<string, StreamHead> = new Map();

/**
 * Events of a stream backwards, from the first mark at or above a revision, or its last event where there is none above, to a lower one. Values: stream,
 * upper revision, stream, lower revision.
 */
const walk = `with recursive walk (position, revision, previous) as (
    select e.position, e.revision, e.previous from events e where e.position = coalesce(
      (select position from marks where stream_id = ? and revision >= ? order by revision limit 1), (select position from heads where stream_id = ?))
    union all select e.position, e.revision, e.previous from walk w cross join events e on e.position = w.previous where w.revision > ?
  )`;
const selectPage = `${walk} select ${eventColumns} from walk w cross join events e on e.position = w.position where w.revision <= ?`;
const deleteEvents = `${walk} delete from events where position in (select position from walk where revision <= ?)`;

/** A full disk makes SQLite roll back by itself, and a later statement would then commit alone: hence the look at isTransaction. */
function rollBack(db: DatabaseSync): boolean {
  try {
    if (db.isTransaction) db.exec("rollback");
    return true;
  } catch {
    return false; // the caller closes the database, and answers with the first error
  }
}

function readLogId(prepare: (sql: string) => StatementSync, path: string): string {
  const row = prepare("select e.data from events e join streams s on s.id = e.stream_id where e.position = 1 and s.name = ?").get(logStream) as unknown as
    | readonly [string]
    | undefined;
  const created = row === undefined ? null : (JSON.parse(row[0]) as { readonly logId?: unknown });
  if (typeof created?.logId !== "string") throw new RepriseError("LOG_DAMAGED", `${path} is damaged: it does not begin with its id.`);
  return created.logId;
}
