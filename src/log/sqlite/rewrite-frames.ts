import { fdatasyncSync, fstatSync, ftruncateSync, readSync, writeSync } from "node:fs";
import { RepriseError } from "../../errors.ts";
import type { Frames } from "./checkpoints.ts";

/**
 * The system shows other pages than those that were written, as some file systems do after a failed sync. What this process knows of the log is wrong then,
 * and must not be brought into log.db. The process has to end. The next start reads the log as far as it is whole, which includes all acknowledged events.
 */
export class WriteAheadLogLost extends RepriseError {
  constructor(message: string) {
    super("LOG_SYNC_FAILED", message, { retryAfterMs: 1000 });
  }
}

/** Descriptors of a log.db and of its write-ahead log. */
export interface LogFiles {
  readonly path: string;
  readonly log: number;
  readonly database: number;
}

/**
 * Writes again all pages that may not be on the disk, and syncs them: those of the write-ahead log, and those that were brought from it into log.db. It cuts
 * off the frames of a failed commit behind the last one, because they would come back after a crash.
 *
 * @throws WriteAheadLogLost; the system's error.
 */
export function rewriteFrames(files: LogFiles, frames: Frames): void {
  rewritePages(files, rewriteLog(files, frames));
  fdatasyncSync(files.log);
  fdatasyncSync(files.database);
}

interface Pages {
  readonly pageBytes: number;
  /** Where the newest of the frames is that log.db has, too, by the page's number. */
  readonly checkpointed: ReadonlyMap<number, number>;
}

/** SQLite's file format, 4.1 and 4.2. */
function rewriteLog(files: LogFiles, { all, checkpointed }: Frames): Pages {
  const { log } = files;
  const pages = new Map<number, number>();
  const { size } = fstatSync(log);
  if (all === 0) {
    if (size > 0) ftruncateSync(log, 0);
    return { pageBytes: 0, checkpointed: pages };
  }
  const header = read(files, 0, headerBytes);
  const little = header.readUInt32BE(0) === 0x377f0682;
  const pageBytes = header.readUInt32BE(8);
  let sum = checksum([0, 0], header.subarray(0, 24), little);
  if (!isSum(header, 24, sum)) throw changed(files, "its header");
  write(log, header, 0);
  const frameBytes = frameHeaderBytes + pageBytes;
  for (let index = 0, at = headerBytes; index < all; index++, at += frameBytes) {
    const frame = read(files, at, frameBytes);
    sum = checksum(checksum(sum, frame.subarray(0, 8), little), frame.subarray(frameHeaderBytes), little);
    if (frame.compare(header, 16, 24, 8, 16) !== 0 || !isSum(frame, 16, sum)) throw changed(files, `page ${index + 1} of ${all}`);
    write(log, frame, at);
    if (index < checkpointed) pages.set(frame.readUInt32BE(0), at + frameHeaderBytes);
  }
  const end = headerBytes + all * frameBytes;
  if (size > end) ftruncateSync(log, end);
  return { pageBytes, checkpointed: pages };
}

function rewritePages(files: LogFiles, { pageBytes, checkpointed }: Pages): void {
  const { size } = fstatSync(files.database);
  for (const [page, at] of checkpointed) {
    const to = (page - 1) * pageBytes;
    if (to < size) write(files.database, read(files, at, pageBytes), to);
  }
}

/** From the write-ahead log. */
function read(files: LogFiles, at: number, bytes: number): Buffer {
  const buffer = Buffer.allocUnsafe(bytes);
  if (readSync(files.log, buffer, 0, bytes, at) < bytes) throw changed(files, "its end");
  return buffer;
}

/** All of it, because one call may write only a part. */
export function write(file: number, bytes: Buffer, at: number): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done, bytes.length - done, at + done);
}

function changed({ path }: LogFiles, what: string): WriteAheadLogLost {
  return new WriteAheadLogLost(`${path}-wal does not read as it was written (${what}): the disk failed to sync it, and has lost some of it.`);
}

const headerBytes = 32;
const frameHeaderBytes = 24;

type Sum = readonly [number, number];

function checksum([first, second]: Sum, bytes: Buffer, little: boolean): Sum {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length; at += 8) {
    first = (first + view.getUint32(at, little) + second) >>> 0;
    second = (second + view.getUint32(at + 4, little) + first) >>> 0;
  }
  return [first, second];
}

function isSum(bytes: Buffer, at: number, [first, second]: Sum): boolean {
  return bytes.readUInt32BE(at) === first && bytes.readUInt32BE(at + 4) === second;
}
