/** log.db as a file: is it there, whole, ours, and of a format that this build knows? Answered without changing a byte of it. */
import { closeSync, constants, copyFileSync, existsSync, openSync, readSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { isRepriseError, RepriseError } from "../../errors.ts";
import { logStream, ownTenant } from "../../event/names.ts";
import { syncFolder } from "../durable-files.ts";
import { makePrivateFile, makePrivateFolder } from "../private-files.ts";
import { fromSqliteError } from "./sqlite-error.ts";

/** "RPRS": says whose file it is, in SQLite's header. */
const applicationId = 0x52505253;
/** Grows when an older build could no longer read the file. */
const formatVersion = 2;

/** Events of one stream from a row of `marks` to the next: what finding one of them walks, at most. */
export const eventsPerMark = 64;

/**
 * An event knows the position of the one before it in its stream (`previous`, 0 for none), `heads` the last event of each stream, and `marks` each
 * 64th: from there a stream is walked backwards. An index by stream and revision would do the same, but an append would then change a page of it that no
 * other stream shares: over 10,000 streams events came in three times as slowly once each of them had such pages (docs/performance.md).
 * `streams.first` is the lowest revision that is still there, and `tail` the last position that may no longer be: they are written only by a truncation.
 * `data` comes last: a filter looks at the columns before it, and SQLite then leaves a large payload's pages alone.
 */
const eventsTable = `
  create table events (
    position integer primary key, stream_id integer not null, revision integer not null, previous integer not null, id text not null, type text not null,
    schema_version integer not null, source text, occurred_at text, recorded_at integer not null, metadata text not null, data text not null
  ) strict;
`;
const linkTables = `
  create table heads (stream_id integer primary key, revision integer not null, position integer not null) strict;
  create table marks (stream_id integer not null, revision integer not null, position integer not null, primary key (stream_id, revision)) strict, without rowid;
`;
const tables = `
  create table streams (id integer primary key, name text not null unique, tenant text not null, first integer not null) strict;
  ${eventsTable}
  create index events_by_id on events (id);
  ${linkTables}
  create table tail (one integer primary key check (one = 1), position integer not null, recorded_at integer not null) strict;
`;

/**
 * Reads the header, as bytes: opening a file with SQLite may already write beside it.
 *
 * @returns false when there is no log yet.
 * @throws LOG_DAMAGED, LOG_FOREIGN, LOG_NEWER.
 */
export function inspectLogFile(path: string): boolean {
  if (!existsSync(path)) {
    // A new file would take the old one's write-ahead log for its own.
    if (walBytes(path) > 0) throw damaged(path, "it is missing, but its write-ahead log is there");
    return false;
  }
  const header = readHeader(path);
  if (header.toString("latin1", 0, 16) !== "SQLite format 3\0") throw damaged(path, "it does not begin as an SQLite file does");
  checkOwner(path, header.readUInt32BE(68), header.readUInt32BE(60));
  return true;
}

/**
 * Looks for torn and overwritten pages. A file up to `maxCheckBytes` is read in full (64 MiB: about 0.1 s); beyond that damage shows as
 * LOG_DAMAGED at the read that meets it. After an unclean stop a copy is checked, since SQLite would bring the write-ahead log into the original.
 *
 * @throws LOG_DAMAGED, LOG_NEWER, LOG_FOREIGN.
 */
export function checkLogFile(path: string, maxCheckBytes: number): void {
  if (lacksPages(path, readHeader(path))) throw damaged(path, "it is shorter than its header says");
  if (statSync(path).size + walBytes(path) > maxCheckBytes) return;
  const pending = walBytes(path) > 0;
  if (!pending) {
    checkPages(path, new DatabaseSync(immutable(path), { readOnly: true }));
    return;
  }
  const folder = join(dirname(path), "check.tmp");
  rmSync(folder, { recursive: true, force: true });
  try {
    makePrivateFolder(folder);
    const copy = join(folder, "log.db");
    copyFileSync(path, copy, constants.COPYFILE_FICLONE);
    copyFileSync(`${path}-wal`, `${copy}-wal`, constants.COPYFILE_FICLONE);
    checkPages(path, new DatabaseSync(copy));
  } catch (error) {
    // A disk too full for a copy is no reason to stay away: the log opens unchecked, as one that is too large to check does.
    if (!isRepriseError(fromSqliteError(error, "Copying"), "LOG_FULL")) throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Makes a log that holds `log.created`. It appears under its name when it is complete: a process killed here leaves no half a log. */
export function createLogFile(path: string, created: { readonly eventId: string; readonly logId: string; readonly recordedAtMs: number }): void {
  const draft = `${path}.new`;
  for (const ending of ["", "-journal", "-wal", "-shm"]) rmSync(draft + ending, { force: true });
  makePrivateFile(draft);
  const db = new DatabaseSync(draft);
  try {
    db.exec(
      `pragma synchronous=full; pragma fullfsync=on; pragma application_id=${applicationId}; pragma user_version=${formatVersion}; begin immediate; ${tables}`,
    );
    db.prepare("insert into streams (id, name, tenant, first) values (1, ?, ?, 0)").run(logStream, ownTenant);
    db.prepare("insert into events values (1, 1, 0, 0, ?, 'log.created', 1, null, null, ?, ?, ?)").run(
      created.eventId,
      created.recordedAtMs,
      JSON.stringify({ priority: "normal" }),
      JSON.stringify({ logId: created.logId }),
    );
    db.exec("insert into heads values (1, 0, 1); insert into tail values (1, 0, 0); commit; pragma journal_mode=wal");
  } finally {
    db.close();
  }
  renameSync(draft, path);
  syncFolder(path);
}

/**
 * Brings a log of format 1, which had an index by stream and revision and no links, to this build's, in one transaction: a process killed here leaves it
 * as it was. It takes about 6 s a million events, and needs as much room again as the log has; the file stays that large.
 *
 * @throws LOG_FULL, with the log as it was.
 */
export function upgradeLogFile(path: string): void {
  if (readHeader(path).readUInt32BE(60) === formatVersion) return;
  const db = new DatabaseSync(path, { timeout: 200, enableForeignKeyConstraints: false });
  try {
    if (pragma(db, "user_version") === formatVersion) return; // so says the write-ahead log
    db.exec("pragma synchronous=full; pragma fullfsync=on; pragma checkpoint_fullfsync=on");
    db.exec(`
      begin immediate;
      create temp table links (position integer primary key, previous integer not null) strict;
      insert into temp.links select position, lag(position, 1, 0) over (partition by stream_id order by revision) from events;
      alter table events rename to events_1;
      ${eventsTable}
      insert into events
        select e.position, e.stream_id, e.revision, l.previous, e.id, e.type, e.schema_version, e.source, e.occurred_at, e.recorded_at, e.metadata, e.data
        from events_1 e join temp.links l on l.position = e.position order by e.position;
      drop table temp.links;
      drop table events_1;
      create index events_by_id on events (id);
      ${linkTables}
      insert into heads select s.id, coalesce(e.revision, s.first - 1), coalesce(e.position, 0) from streams s
        left join (select stream_id, max(revision) as revision, max(position) as position from events group by stream_id) e on e.stream_id = s.id;
      insert into marks select stream_id, revision, position from events where revision > 0 and revision % ${eventsPerMark} = 0;
      pragma user_version=${formatVersion};
      commit;
    `);
  } catch (error) {
    throw fromSqliteError(error, `Bringing ${path} to format ${formatVersion}`);
  } finally {
    db.close();
  }
}

function checkPages(path: string, db: DatabaseSync): void {
  try {
    const found = db.prepare("pragma quick_check(1)", { returnArrays: true }).get() as unknown as readonly [string];
    if (found[0] !== "ok") throw damaged(path, "SQLite's check found broken pages");
    checkOwner(path, pragma(db, "application_id"), pragma(db, "user_version"));
  } catch (error) {
    throw fromSqliteError(error, `Checking ${path}`);
  } finally {
    db.close();
  }
}

function pragma(db: DatabaseSync, name: "application_id" | "user_version"): number {
  return Number(Object.values(db.prepare(`pragma ${name}`).get() ?? {})[0]);
}

function checkOwner(path: string, application: number, version: number): void {
  if (application !== applicationId) throw new RepriseError("LOG_FOREIGN", `${path} is an SQLite file of another program.`);
  if (version > formatVersion)
    throw new RepriseError("LOG_NEWER", `${path} has format ${version}; this build knows formats up to ${formatVersion}.`, { fields: { format: version } });
  if (version < 1) throw damaged(path, "its format number is missing");
}

function readHeader(path: string): Buffer {
  const header = Buffer.alloc(100);
  const file = openSync(path, "r");
  try {
    if (readSync(file, header, 0, 100, 0) < 100) throw damaged(path, "it is shorter than a header");
  } finally {
    closeSync(file);
  }
  return header;
}

/**
 * True when the file has fewer pages than its header counts, and the write-ahead log has not got the others either: a checkpoint that a
 * crash or a full disk cut off leaves a short file, too. The count holds when it is of the last change (SQLite's file format, 1.3.8).
 */
function lacksPages(path: string, header: Buffer): boolean {
  const pageBytes = header.readUInt16BE(16) === 1 ? 65_536 : header.readUInt16BE(16);
  const pages = header.readUInt32BE(28);
  const there = Math.floor(statSync(path).size / pageBytes);
  if (there >= pages || header.readUInt32BE(24) !== header.readUInt32BE(92)) return false;
  const pending = walPages(path, pageBytes);
  for (let page = there + 1; page <= pages; page++) if (!pending.has(page)) return true;
  return false;
}

/** Numbers of the pages in the write-ahead log: frames that carry the header's salts (SQLite's file format, 4.1 and 4.2). */
function walPages(path: string, pageBytes: number): ReadonlySet<number> {
  const pages = new Set<number>();
  if (walBytes(path) === 0) return pages;
  const file = openSync(`${path}-wal`, "r");
  try {
    const start = Buffer.alloc(32);
    const frame = Buffer.alloc(24);
    readSync(file, start, 0, 32, 0);
    for (let at = 32; readSync(file, frame, 0, 24, at) === 24 && frame.compare(start, 16, 24, 8, 16) === 0; at += 24 + pageBytes)
      pages.add(frame.readUInt32BE(0));
  } finally {
    closeSync(file);
  }
  return pages;
}

function walBytes(path: string): number {
  return statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
}

/** SQLite then takes no lock and makes no file beside it: right only while nothing else writes, which lock.db sees to. */
function immutable(path: string): URL {
  const url = pathToFileURL(path);
  url.searchParams.set("immutable", "1");
  return url;
}

function damaged(path: string, how: string): RepriseError {
  return new RepriseError("LOG_DAMAGED", `${path} is damaged: ${how}.`);
}
