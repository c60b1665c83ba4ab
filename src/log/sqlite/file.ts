/** log.db as a file: is it there, whole, ours, and of a format that this build knows? Answered without changing a byte of it. */
import { closeSync, constants, copyFileSync, existsSync, openSync, readSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { isRepriseError, RepriseError } from "../../errors.ts";
import { logStream, ownTenant } from "../../event/names.ts";
import { syncFolder } from "../durable-files.ts";
import { makePrivateFile, makePrivateFolder } from "../private-files.ts";
import { fromSqliteError, isDamage } from "./sqlite-error.ts";
import { dataSum, headSum, rowSum, streamSum, tailSum } from "./sums.ts";

/** "RPRS": says whose file it is, in SQLite's header. */
const applicationId = 0x52505253;
/** Grows when an older build could no longer read the file. */
export const formatVersion = 3;

/** Events of one stream from a row of `marks` to the next: what finding one of them walks, at most. */
export const eventsPerMark = 64;

/**
 * An event knows the position of the one before it in its stream (`previous`, 0 for none), `heads` the last event of each stream, and `marks` each
 * 64th: from there a stream is walked backwards. An index by stream and revision would do the same, but an append would then change a page of it that no
 * other stream shares: over 10,000 streams events came in three times as slowly once each of them had such pages (docs/performance.md).
 * `streams.first` is the lowest revision that is still there, and `tail` the last position that may no longer be: they are written only by a truncation.
 * `data` comes last: a filter looks at the columns before it, and SQLite then leaves a large payload's pages alone. Sums: sums.ts.
 */
export const eventsTable = `
  create table events (
    position integer primary key, stream_id integer not null, revision integer not null, previous integer not null, id text not null, type text not null,
    schema_version integer not null, source text, occurred_at text, recorded_at integer not null, data_sum integer not null, sum integer not null,
    metadata text not null, data text not null
  ) strict;
`;
export const headsTable = `
  create table heads (stream_id integer primary key, revision integer not null, position integer not null, sum integer not null) strict;
`;
export const marksTable = `
  create table marks (stream_id integer not null, revision integer not null, position integer not null, primary key (stream_id, revision)) strict, without rowid;
`;
export const streamsTable = `
  create table streams (id integer primary key, name text not null unique, tenant text not null, first integer not null, sum integer not null) strict;
`;
export const tailTable = `
  create table tail (one integer primary key check (one = 1), position integer not null, recorded_at integer not null, sum integer not null) strict;
`;
const tables = `${streamsTable} ${eventsTable} create index events_by_id on events (id); ${headsTable} ${marksTable} ${tailTable}`;

/**
 * Reads the header, as bytes: opening a file with SQLite may already write beside it.
 *
 * @returns false when there is no log yet.
 * @throws LOG_DAMAGED, LOG_FOREIGN, LOG_NEWER.
 */
export function inspectLogFile(path: string): boolean {
  if (!existsSync(path)) {
    // A new file would take the old one's write-ahead log for its own.
    if (walBytes(path) > 0) throw damagedFile(path, "it is missing, but its write-ahead log is there");
    return false;
  }
  const header = readHeader(path);
  if (header.toString("latin1", 0, 16) !== "SQLite format 3\0") throw damagedFile(path, "it does not begin as an SQLite file does");
  checkOwner(path, header.readUInt32BE(68), header.readUInt32BE(60));
  // As SQLite writes them for a log of ours, whatever the version: with others it would read texts in another encoding, or leave a write-ahead log unread.
  const fixed = [
    header[18],
    header[19],
    header[20],
    header[21],
    header[22],
    header[23],
    header.readUInt32BE(52),
    header.readUInt32BE(56),
    header.readUInt32BE(64),
  ];
  if (fixed.join() !== "2,2,0,64,32,32,0,1,0") throw damagedFile(path, "its header has values that no log has");
  return true;
}

export interface FileCheck {
  /** An index has other entries than its table: looking something up by it may miss what is there. */
  readonly indexesLie: boolean;
}
const unchecked: FileCheck = { indexesLie: false };

/**
 * Looks for torn and overwritten pages. A file up to `maxCheckBytes` is read in full (64 MiB: about 0.1 s); beyond that damage shows as
 * LOG_DAMAGED at the read that meets it. After an unclean stop a copy is checked, since SQLite would bring the write-ahead log into the original.
 *
 * @throws LOG_DAMAGED, LOG_NEWER, LOG_FOREIGN.
 */
export function checkLogFile(path: string, maxCheckBytes: number): FileCheck {
  if (lacksPages(path, readHeader(path))) throw damagedFile(path, "it is shorter than its header says");
  if (statSync(path).size + walBytes(path) > maxCheckBytes) return unchecked;
  const pending = walBytes(path) > 0;
  if (!pending) {
    return checkPages(path, new DatabaseSync(immutable(path), { readOnly: true }));
  }
  const folder = join(dirname(path), "check.tmp");
  rmSync(folder, { recursive: true, force: true });
  try {
    makePrivateFolder(folder);
    const copy = join(folder, "log.db");
    copyFileSync(path, copy, constants.COPYFILE_FICLONE);
    copyFileSync(`${path}-wal`, `${copy}-wal`, constants.COPYFILE_FICLONE);
    return checkPages(path, new DatabaseSync(copy));
  } catch (error) {
    // A disk too full for a copy is no reason to stay away: the log opens unchecked, as one that is too large to check does.
    if (!isRepriseError(fromSqliteError(error, "Copying"), "LOG_FULL")) throw error;
    return unchecked;
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
    db.prepare("insert into streams values (1, ?, ?, 0, ?)").run(logStream, ownTenant, streamSum(1, logStream, ownTenant, 0));
    const metadata = JSON.stringify({ priority: "normal" });
    const data = JSON.stringify({ logId: created.logId });
    const { eventId: id, recordedAtMs } = created;
    const event = {
      position: 1,
      streamId: 1,
      revision: 0,
      previous: 0,
      id,
      type: "log.created",
      schemaVersion: 1,
      source: null,
      occurredAt: null,
      recordedAtMs,
    };
    const sum = rowSum({ ...event, metadata, dataSum: dataSum(data) });
    db.prepare("insert into events values (1, 1, 0, 0, ?, 'log.created', 1, null, null, ?, ?, ?, ?, ?)").run(
      id,
      recordedAtMs,
      dataSum(data),
      sum,
      metadata,
      data,
    );
    db.prepare("insert into heads values (1, 0, 1, ?)").run(headSum(1, 0, 1));
    db.prepare("insert into tail values (1, 0, 0, ?)").run(tailSum(0, 0));
    db.exec("commit; pragma journal_mode=wal");
  } finally {
    db.close();
  }
  renameSync(draft, path);
  syncFolder(path);
}

function checkPages(path: string, db: DatabaseSync): FileCheck {
  try {
    const problems = pageProblems(db);
    const torn = problems.find((problem) => !rowProblem.test(problem));
    if (torn !== undefined) throw damagedFile(path, `SQLite's check found broken pages (${torn.replace(/^\*\*\*.*\n/, "")})`);
    checkOwner(path, pragma(db, "application_id"), pragma(db, "user_version"));
    return { indexesLie: problems.some((problem) => indexProblem.test(problem)) };
  } catch (error) {
    throw fromSqliteError(error, `Checking ${path}`);
  } finally {
    db.close();
  }
}

/** Of one row, or of an index, which is made anew: what no page has to suffer for. Row by row the sums tell. */
const rowProblem =
  /^(\S+ value in \S+|(row \d+|\d+ rows?) missing from index |wrong # of entries in index |non-unique entry in index |CHECK constraint failed )/i;
const indexProblem = /missing from index|entries in index/;

/** In the words of SQLite's check, which ends early at a row that it cannot read; then only the trees are walked. */
function pageProblems(db: DatabaseSync): readonly string[] {
  const all = (sql: string) => (db.prepare(sql, { returnArrays: true }).all() as unknown as readonly (readonly [string])[]).map(([text]) => text);
  try {
    return all("pragma integrity_check(100)").filter((problem) => problem !== "ok");
  } catch (error) {
    if (!isDamage(error)) throw error;
    for (const table of ["events", "streams", "heads", "marks", "tail"]) db.prepare(`select count(*) from ${table} not indexed`).get();
    db.prepare("select count(*), max(position) from events indexed by events_by_id where id > ''").get();
    return [];
  }
}

/** What of the definitions is not as this build made them; null: nothing. */
export function schemaProblem(db: DatabaseSync, summed: boolean): string | null {
  const select = "select type || ' ' || name || ' ' || coalesce(sql, '') from sqlite_schema where type in ('table', 'index') order by name";
  const of = (of: DatabaseSync) => (of.prepare(select, { returnArrays: true }).all() as unknown as readonly (readonly [string])[]).flat();
  const found = of(db);
  if (!summed) return found.some((text) => /^table events .*data_sum/s.test(text)) ? "its format number is older than its tables" : null;
  const model = new DatabaseSync(":memory:");
  try {
    model.exec(tables);
    const wanted = of(model);
    return wanted.length === found.length && wanted.every((text, at) => flat(text) === flat(found[at]!))
      ? null
      : "its tables are not defined as this build defines them";
  } finally {
    model.close();
  }
}

const flat = (sql: string) => sql.replaceAll(/\s+/g, " ");

export function pragma(db: DatabaseSync, name: "application_id" | "user_version"): number {
  return Number(Object.values(db.prepare(`pragma ${name}`).get() ?? {})[0]);
}

function checkOwner(path: string, application: number, version: number): void {
  if (application !== applicationId) throw new RepriseError("LOG_FOREIGN", `${path} is an SQLite file of another program.`);
  if (version > formatVersion)
    throw new RepriseError("LOG_NEWER", `${path} has format ${version}; this build knows formats up to ${formatVersion}.`, { fields: { format: version } });
  if (version < 1) throw damagedFile(path, "its format number is missing");
}

export function readHeader(path: string): Buffer {
  const header = Buffer.alloc(100);
  const file = openSync(path, "r");
  try {
    if (readSync(file, header, 0, 100, 0) < 100) throw damagedFile(path, "it is shorter than a header");
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

export function damagedFile(path: string, how: string): RepriseError {
  return new RepriseError("LOG_DAMAGED", `${path} is damaged: ${how}.`);
}
