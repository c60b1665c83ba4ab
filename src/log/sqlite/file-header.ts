import { closeSync, existsSync, openSync, readSync, statSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { RepriseError } from "../../errors.ts";
import { formatVersion, formatWithoutShrinking } from "./file-tables.ts";

/** "RPRS" in SQLite's header: the file is a log of Reprise. */
export const applicationId = 0x52505253;

/**
 * Reads the header as bytes, because opening a file with SQLite may already write beside it.
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
  // Every version of our log has these values. With others, SQLite would read texts in another encoding, or leave a write-ahead log unread.
  const fixed = [...header.subarray(18, 24), header.readUInt32BE(56)];
  // A file that gives room back names its highest root page there, and says that it does so when it is told to.
  const shrinks = header.readUInt32BE(60) > formatWithoutShrinking;
  const isOfFormat = shrinks ? header.readUInt32BE(52) > 0 && header.readUInt32BE(64) === 1 : header.readUInt32BE(52) === 0 && header.readUInt32BE(64) === 0;
  if (fixed.join() !== "2,2,0,64,32,32,1" || !isOfFormat) throw damagedFile(path, "its header has values that no log has");
  return true;
}

export function checkOwner(path: string, application: number, version: number): void {
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
 * True when the file has fewer pages than its header counts, and the write-ahead log does not have the others. A checkpoint that was cut off by a crash or
 * a full disk leaves a short file, too, but its pages are in that log. The count is valid when it is of the last change (SQLite's file format, 1.3.8).
 */
export function lacksPages(path: string, header: Buffer): boolean {
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

export function walBytes(path: string): number {
  return statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
}

/** With this URL SQLite takes no lock and makes no file beside the log. That is right only while nothing else writes, which lock.db ensures. */
export function immutable(path: string): URL {
  const url = pathToFileURL(path);
  url.searchParams.set("immutable", "1");
  return url;
}

export function damagedFile(path: string, how: string): RepriseError {
  return new RepriseError("LOG_DAMAGED", `${path} is damaged: ${how}.`);
}
