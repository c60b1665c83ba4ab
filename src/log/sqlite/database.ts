/** One open log.db: its statements, the end of the log, and caches that die with it. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { LRUCache } from "lru-cache";
import { RepriseError } from "../../errors.ts";
import type { Entity, EventMetadata, Json, StoredEvent } from "../../event/event.ts";
import { freezeDeep } from "../../event/freeze-deep.ts";
import { logStream, parseStreamName } from "../../event/names.ts";
import type { EncodedEvent } from "../append-rules.ts";
import { RowBuffer } from "../row-buffer.ts";
import { damagedFile, eventsPerMark, formatVersion, schemaProblem } from "./file.ts";
import { isBeyondNumbers, isHead, makeMender, type StreamRow } from "./mender.ts";
import { NewIds } from "./new-ids.ts";
import { columnsDamage, columnsWithoutData, dataDamage, type EventRow, eventColumns, pageColumns, textOf } from "./row.ts";
import { fromSqliteError, isDamage, isSyncFailure, isWriteFailure, wasNotWritten } from "./sqlite-error.ts";
import { dataSum, headSum, rowSum, streamSum, tailSum } from "./sums.ts";
import { WriteAheadLog } from "./wal.ts";

/** Where a stream is: `id` 0, `head` −1 and `position` 0 before its first event. */
export interface StreamHead {
  id: number;
  head: number;
  /** Of the last event, truncated or not. */
  position: number;
}

/** A stored event as far as checking an append with its id needs it. */
export interface KnownEvent {
  readonly id: string;
  /** What is wrong with its row, which then says nothing about its content; null: nothing. */
  readonly damage: string | null;
  readonly tenant: string;
  readonly stream: string;
  readonly revision: number;
  readonly position: number;
  readonly type: string;
  readonly schemaVersion: number;
  readonly recordedAtMs: number;
  /** Empty when it is `large`. */
  readonly data: string;
  /** What its columns say of data that was not read with it; `readKnown` does. */
  readonly large: { readonly bytes: number; readonly sum: number } | null;
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
  /** What pages of rows are read with, `pageColumns`, and the same without data. */
  readonly columns: string;
  readonly columnsWithoutData: string;
  /**
   * Rows of a statement. One that holds a number beyond all numbers, or that SQLite cannot read, fails its whole page: then `positions`, which looks at no
   * column, says which rows are read one by one, and they come whatever else the statement wants of them.
   */
  rows(sql: string, values: readonly SQLInputValue[], positions: { readonly sql: string; readonly values: readonly SQLInputValue[] }): readonly EventRow[];
  /** Of any tenant. */
  withIds(ids: readonly string[]): readonly EventRow[];
  /** Of a row of `columns`. Of a damaged row SQLite may make something else, or nothing: empty then. */
  data(row: EventRow): string;
  /** What `dataOf` wants of a row of `columnsWithoutData`, or null. */
  dataOf(row: EventRow, wanted: (stream: string) => boolean): string | null;
  streamHead(stream: string): StreamHead;
  /** The same of several that are not in memory. One statement for all: a statement for each costs twice as much. */
  streamHeads(streams: readonly string[]): ReadonlyMap<string, StreamHead>;
  rememberHead(stream: string, at: StreamHead): void;
  /** The events with these ids, of any tenant. One statement for a group's ids: a statement for each cost twice as much. */
  knownEvents(ids: readonly string[]): readonly KnownEvent[];
  /** With its data, whatever its size. */
  readKnown(event: KnownEvent): KnownEvent;

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
  removeEvents(stream: StreamHead, before: number, limit: number): number;
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
    db = openRaw(path, access);
    return makeDatabase(db, path, cachedStreams, access === "write");
  } catch (error) {
    db?.close();
    throw fromSqliteError(error, `Opening ${path}`);
  }
}

/** The file as SQLite has it. */
export function openRaw(path: string, access: "write" | "read" | "frozen"): DatabaseSync {
  // Another program's write lock is waited for on this thread: hence 200 ms, no more.
  return new DatabaseSync(existing(path, access), { timeout: 200, enableForeignKeyConstraints: false, readOnly: access !== "write" });
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
  const prepareBig = (sql: string) => {
    const statement = db.prepare(sql, { returnArrays: true });
    statement.setReadBigInts(true);
    return statement;
  };
  const summed = Number((prepare("pragma user_version").get() as unknown as readonly [number])[0]) === formatVersion;
  const schema = schemaProblem(db, summed);
  if (schema !== null) throw damagedFile(path, schema);
  const mender = makeMender(prepare, prepareBig, path, (error) => explained(error));
  const columns = pageColumns(summed);
  const logId = readLogId(prepare, path, columns, summed);
  const wal = writes ? openWal(path, (sql) => db.prepare(sql, { returnArrays: true })) : null;

  const selectName = prepare(summed ? "select name, tenant, first, sum from streams where id = ?" : "select name from streams where id = ?");
  const selectGreatest = prepare("select max(id) from events where id < ?");

  /** Of what is committed and waits for the disk nothing is shown yet: from a stream's last event back to one that is. */
  const shown = (at: StreamHead): StreamHead => {
    while (at.position > database.lastPosition) {
      const row = prepare("select previous from events where position = ?").get(at.position) as unknown as readonly [number] | undefined;
      if (row === undefined) break; // a head that its events do not bear out: reads find out
      at.position = row[0];
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
  const unknownName = { id: 0, stream: "", tenant: "", entity: { type: "", id: "" } };
  const nameOf = (id: number): typeof unknownName => {
    const name = names[id % cachedStreams];
    if (name?.id === id) return name;
    const row = ifReadable(() => selectName.get(id) as unknown as readonly [string, string, number, number] | undefined, undefined);
    if (row !== undefined && (!summed || streamSum(id, row[0], row[1], row[2]) === row[3])) return rememberName(id, row[0]);
    const mended = mender.streamRow(id);
    return mended === null ? unknownName : rememberName(id, mended.name);
  };
  /** Events of one commit share their time: making its text costs a quarter of a decoded event. */
  let recorded = { ms: -1, iso: "" };
  const isoOf = (ms: number) => (recorded.ms === ms ? recorded : (recorded = { ms, iso: new Date(ms).toISOString() })).iso;

  /** Neighbours in the log often have the same text: parsing it is a twentieth of what a replay costs. Frozen, as they share what comes of it. */
  let parsed: { readonly text: string; readonly metadata: EventMetadata } = { text: "", metadata: { priority: "normal" } };
  const metadataOf = (text: string) => (parsed.text === text ? parsed : (parsed = { text, metadata: freezeDeep(JSON.parse(text) as EventMetadata) })).metadata;

  const explained = (error: unknown) => (isWriteFailure(error) ? wal?.whyNotWritten() : isDamage(error) ? wal?.whyNotRead() : null) ?? error;
  /** As `nameOf` checks it. @throws LOG_DAMAGED */
  const streamOf = (id: number): StreamRow => {
    const row = ifReadable(() => selectName.get(id) as unknown as readonly [string, string, number, number] | undefined, undefined);
    if (row !== undefined && streamSum(id, row[0], row[1], row[2]) === row[3]) return { id, name: row[0], tenant: row[1], first: row[2] };
    const mended = mender.streamRow(id);
    if (mended === null) throw new RepriseError("LOG_DAMAGED", `${path} is damaged: stream ${id} has lost its name.`);
    return mended;
  };
  const damaged = (row: EventRow, how: string): StoredEvent => {
    const { streamId, revision, id, type } = mender.whereabouts(row);
    const { stream, tenant, entity } = nameOf(streamId);
    const ms = Number.isSafeInteger(row[8]) && Math.abs(row[8]) < 8e15 ? row[8] : 0;
    return {
      id: id ?? row[3],
      type: type ?? String(row[4]),
      schemaVersion: row[5],
      source: null,
      occurredAt: null,
      data: null,
      metadata: { priority: "normal" },
      stream,
      tenant,
      entity,
      revision,
      position: BigInt(row[0]),
      recordedAt: isoOf(ms),
      damage: { detail: `position ${row[0]} (${stream === "" ? "of an unknown stream" : stream}, revision ${revision}): ${how}`, typeDoubtful: type === null },
    };
  };
  const readHeadRow = (row: HeadRow): StreamHead => {
    const [id, name, tenant, first, sum, revision, position, ofHead] = row;
    if (streamSum(id, name, tenant, first) === sum && isHead(id, revision, position, ofHead)) return { id, head: revision!, position: position! };
    return mendedHead(id);
  };
  const mendedHead = (id: number): StreamHead => {
    const found = mender.headOf(streamOf(id));
    return { id, head: found.revision, position: found.position };
  };
  /** What `read` gives, unless SQLite cannot read a row, or a number in it is beyond all numbers. A disk that does not answer is no damage. */
  const ifReadable = <T, U>(read: () => T, otherwise: U): T | U => {
    try {
      return read();
    } catch (error) {
      const cause = explained(error);
      if (cause !== error || (!isBeyondNumbers(error) && !isDamage(error))) throw cause;
      return otherwise;
    }
  };
  const dataAt = (position: number): unknown => ifReadable(() => (prepare(selectData).get(position) as unknown as readonly [unknown] | undefined)?.[0], "");
  const tail = readTail(prepare, summed, ifReadable);
  let durability: "now" | "later" = "now";
  const newIds = new NewIds((bound) => (selectGreatest.get(bound) as unknown as readonly [string | null])[0]);
  const eventRows = new RowBuffer(
    eventColumns.split(", ").length,
    (rows) => `insert or rollback into events values ${rows}`,
    (sql, values) => prepare(sql).run(...values),
  );
  const headRows = new RowBuffer(
    4,
    (rows) =>
      `insert or rollback into heads values ${rows} on conflict (stream_id) do update set revision = excluded.revision, position = excluded.position, sum = excluded.sum`,
    (sql, values) => prepare(sql).run(...values),
  );

  const database: LogDatabase = {
    logId,
    lastPosition: tail[0],
    lastRecordedAtMs: tail[1],
    prepare,
    explained,
    columns,
    columnsWithoutData: columnsWithoutData(summed),

    withIds(ids) {
      const values = [JSON.stringify(ids)];
      return database.rows(selectByIds(columns), values, { sql: selectByIds("e.position"), values });
    },
    rows(sql, values, positions) {
      try {
        return prepare(sql).all(...values) as unknown as readonly EventRow[];
      } catch (error) {
        if (explained(error) !== error || (!isBeyondNumbers(error) && !isDamage(error))) throw error;
        const found = prepare(positions.sql).all(...positions.values) as unknown as readonly (readonly [number])[];
        return found.map(([position]) => mender.rowAt(position)).filter((row) => row !== undefined);
      }
    },

    data: (row) => textOf(row[10] ?? dataAt(row[0])),
    dataOf: (row, wanted) => (wanted(nameOf(row[1]).stream) ? textOf(dataAt(row[0])) : null),

    decode(row, data) {
      const how = summed ? (columnsDamage(row) ?? (data === null ? null : dataDamage(row[12], data))) : null;
      if (how !== null) return damaged(row, how);
      const { stream, tenant, entity } = nameOf(row[1]);
      if (stream === "") return damaged(row, "its stream has lost its name");
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
      const row = ifReadable(() => prepare(`${selectHead} where s.name = ?`).get(stream) as unknown as HeadRow | undefined, null);
      if (row === undefined) return { id: 0, head: -1, position: 0 };
      const at =
        row === null
          ? shown(mendedHead((prepare("select id from streams where name = ?").get(stream) as unknown as readonly [number])[0]))
          : shown(readHeadRow(row));
      heads.set(stream, at);
      return at;
    },
    streamHeads(streams) {
      const unknown = new Set<string>();
      for (const stream of streams) if (!heads.has(stream)) unknown.add(stream);
      if (unknown.size < 2) return noHeads;
      const found = new Map<string, StreamHead>();
      for (const stream of unknown) found.set(stream, { id: 0, head: -1, position: 0 });
      const rows = ifReadable(() => prepare(selectHeads).all(JSON.stringify([...unknown])) as unknown as readonly (readonly [...HeadRow, string])[], null);
      if (rows === null) return noHeads; // each is asked for by itself then
      for (const [id, name, tenant, first, sum, revision, position, ofHead, stream] of rows)
        if (streamSum(id, name, tenant, first) === sum && isHead(id, revision, position, ofHead))
          found.set(stream, shown({ id, head: revision!, position: position! }));
        else found.delete(stream);
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
      const values = [JSON.stringify(old)];
      return database.rows(selectByIds(`${columns}, octet_length(e.data)`), values, { sql: selectByIds("e.position"), values }).map((row) => {
        const data = row[10];
        const damage = columnsDamage(row) ?? (data === null ? null : dataDamage(row[12], data));
        const { streamId, revision, id } = damage === null ? { streamId: row[1], revision: row[2], id: row[3] } : mender.whereabouts(row);
        const { stream, tenant } = nameOf(streamId);
        const [position, , , , type, schemaVersion, , , recordedAtMs] = row;
        const large = data === null ? { bytes: (row as readonly unknown[])[14] as number, sum: row[12] } : null;
        return { id: id ?? row[3], damage, tenant, stream, revision, position, type, schemaVersion, recordedAtMs, data: textOf(data), large };
      });
    },
    readKnown(event) {
      if (event.large === null) return event;
      const data = textOf(dataAt(event.position));
      return { ...event, data, damage: dataDamage(event.large.sum, data), large: null };
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

    insertStream(stream, tenant) {
      // The transaction may have been undone in between: the greatest id is asked for each time, which costs a look at the table's last page.
      const id = (prepare("select coalesce(max(id), 0) + 1 from streams").get() as unknown as readonly [number])[0];
      prepare("insert into streams values (?, ?, ?, 0, ?)").run(id, stream, tenant, streamSum(id, stream, tenant, 0));
      return id;
    },
    insertEvent(position, streamId, revision, previous, recordedAtMs, { event: { id, type, schemaVersion, source, occurredAt }, data, metadata }) {
      newIds.stored(id);
      wal?.grew(data.length);
      const ofData = dataSum(data);
      const sum = rowSum({ position, streamId, revision, previous, id, type, schemaVersion, source, occurredAt, recordedAtMs, metadata, dataSum: ofData });
      eventRows.values.push(position, streamId, revision, previous, id, type, schemaVersion, source, occurredAt, recordedAtMs, ofData, sum, metadata, data);
      eventRows.added();
      if (revision > 0 && revision % eventsPerMark === 0) prepare("insert into marks values (?, ?, ?)").run(streamId, revision, position);
    },
    writeHead({ id, head, position }) {
      headRows.values.push(id, head, position, headSum(id, head, position));
      headRows.added();
    },
    streamPage({ id, head, position }, direction, from, limit) {
      const stream = streamOf(id);
      const { first } = stream;
      const [low, high] =
        direction === "forward" ? [Math.max(from, first), Math.min(Math.max(from, first) + limit - 1, head)] : [Math.max(from - limit + 1, first), from];
      if (low > high) return [];
      let rows = ifReadable(() => prepare(selectPage).all(id, high, id, low, high) as unknown as EventRow[], []);
      rows.sort((one, other) => one[2] - other[2]);
      // A link, a mark or a revision that is wrong leaves a hole, or leads to another stream.
      if (rows.length !== high - low + 1 || rows.some((row, at) => row[2] !== low + at || row[1] !== id))
        rows = [...mender.streamRows(stream, { revision: head, position }, low, high)];
      return direction === "forward" ? rows : rows.reverse();
    },
    removeEvents(at, before, limit) {
      if (at.id === 0) return 0;
      const { name, tenant, first } = streamOf(at.id);
      const last = Math.min(before, first + limit) - 1;
      // By the rows themselves, checked: a link that is wrong would lead to events of another stream.
      const rows = last < first ? [] : database.streamPage(at, "forward", first, last - first + 1);
      for (const row of rows) prepare("delete from events where position = ?").run(row[0]);
      const removed = rows.length;
      const streamId = at.id;
      if (removed === 0) return 0;
      prepare("delete from marks where stream_id = ? and revision <= ?").run(streamId, last);
      prepare("update streams set first = ?, sum = ? where id = ?").run(last + 1, streamSum(streamId, name, tenant, last + 1), streamId);
      const { lastPosition, lastRecordedAtMs } = database;
      prepare("update tail set position = ?, recorded_at = ?, sum = ?").run(lastPosition, lastRecordedAtMs, tailSum(lastPosition, lastRecordedAtMs));
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

/** Position and time of the last event, also of one that was truncated. A row that is damaged does not say how late it is. */
function readTail(
  prepare: (sql: string) => StatementSync,
  summed: boolean,
  ifReadable: <T, U>(read: () => T, otherwise: U) => T | U,
): readonly [position: number, recordedAtMs: number] {
  if (!summed)
    return prepare(
      "select max(t.position, coalesce(e.position, 0)), max(t.recorded_at, coalesce(e.recorded_at, 0)) from tail t left join (select position, recorded_at from events order by position desc limit 1) e",
    ).get() as unknown as readonly [number, number];
  const position = (prepare("select coalesce(max(position), 0) from events").get() as unknown as readonly [number])[0];
  const row = ifReadable(
    () => prepare(`select ${eventColumns} from events e where e.position = ?`).get(position) as unknown as EventRow | undefined,
    undefined,
  );
  const recordedAtMs = row !== undefined && columnsDamage(row) === null ? row[8] : 0;
  const tail = ifReadable(
    () => prepare("select position, recorded_at, sum from tail").get() as unknown as readonly [number, number, number] | undefined,
    undefined,
  );
  if (tail !== undefined && tailSum(tail[0], tail[1]) === tail[2]) return tail[0] > position ? [tail[0], tail[1]] : [position, recordedAtMs];
  // Each stream's head keeps the position of an event that was truncated.
  const ofHeads = ifReadable(() => (prepare("select coalesce(max(position), 0) from heads").get() as unknown as readonly [number])[0], 0);
  return [Math.max(position, ofHeads), recordedAtMs];
}

type HeadRow = readonly [
  id: number,
  name: string,
  tenant: string,
  first: number,
  sum: number,
  revision: number | null,
  position: number | null,
  headSum: number | null,
];
const headColumns = "s.id, s.name, s.tenant, s.first, s.sum, h.revision, h.position, h.sum";
const selectHead = `select ${headColumns} from streams s left join heads h on h.stream_id = s.id`;
const selectHeads = `select ${headColumns}, wanted.value from json_each(?) wanted cross join streams s on s.name = wanted.value left join heads h on h.stream_id = s.id`;
const selectData = "select data from events where position = ?";
const selectByIds = (columns: string) => `select ${columns} from json_each(?) wanted cross join events e on e.id = wanted.value`;
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
const selectPage = `${walk} select ${pageColumns(true)} from walk w cross join events e on e.position = w.position where w.revision <= ?`;

/** A full disk makes SQLite roll back by itself, and a later statement would then commit alone: hence the look at isTransaction. */
function rollBack(db: DatabaseSync): boolean {
  try {
    if (db.isTransaction) db.exec("rollback");
    return true;
  } catch {
    return false; // the caller closes the database, and answers with the first error
  }
}

function readLogId(prepare: (sql: string) => StatementSync, path: string, columns: string, summed: boolean): string {
  const row = prepare(`select ${columns} from events e join streams s on s.id = e.stream_id where e.position = 1 and s.name = ?`).get(logStream) as unknown as
    | EventRow
    | undefined;
  const data = textOf(row?.[10]);
  const whole = row !== undefined && (!summed || (columnsDamage(row) === null && dataDamage(row[12], data) === null));
  const created = whole ? (JSON.parse(data) as { readonly logId?: unknown }) : null;
  if (typeof created?.logId !== "string") throw new RepriseError("LOG_DAMAGED", `${path} is damaged: it does not begin with its id.`);
  return created.logId;
}
