/**
 * Brings the write-ahead log of one open log.db to the disk.
 *
 * SQLite must not make checkpoints by itself, because a checkpoint syncs, and SQLite does not report the disk's error then. SQLite also repeats a failed sync.
 * But the system marks pages that it could not write as clean, so the next sync finds nothing to do and succeeds, while the disk has none of them (measured:
 * 180 appends acknowledged in this way, none there after a power cut). So after a failure only pages that were *written again* and synced count.
 */
import { closeSync, fdatasync, fdatasyncSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import type { StatementSync } from "node:sqlite";
import { RepriseError } from "../../errors.ts";
import { syncFolder } from "../durable-files.ts";
import { fromSqliteError } from "./sqlite-error.ts";

/** A checkpoint is made when the write-ahead log has so many pages (4 MiB), as SQLite itself does. */
const checkpointPages = 1000;
/** The number of pages is looked at after so many commits, or after so many times 16 KiB of data, because a look takes 4 µs. */
const lookEvery = 16;
const unitBytes = 16_384;

/**
 * The system shows other pages than those that were written, as some file systems do after a failed sync. What this process knows of the log is wrong then,
 * and must not be brought into log.db. The process has to end. The next start reads the log as far as it is whole, which includes all acknowledged events.
 */
export class WriteAheadLogLost extends RepriseError {
  constructor(message: string) {
    super("LOG_SYNC_FAILED", message, { retryAfterMs: 1000 });
  }
}

export class WriteAheadLog {
  readonly #path: string;
  readonly #counts: StatementSync;
  readonly #checkpoint: StatementSync;
  /** Any descriptor of a file syncs all that was written to it. */
  readonly #log: number;
  readonly #database: number;
  #pageBytes = 0;
  #syncs = 0;
  #closed = false;
  #written = 0;
  /** A sync failed: nothing counts as stored until `rewrite`. */
  #doubt: unknown = null;

  /**
   * @param database a descriptor of log.db. It stays open as long as this process has any connection to the file, also in another thread, because the system
   *   ends all of a process's locks on a file when one descriptor of it is closed.
   * @param prepare of the open database. It must have been read from, because the write-ahead log does not exist before that.
   */
  constructor(path: string, database: number, prepare: (sql: string) => StatementSync) {
    this.#path = path;
    this.#database = database;
    this.#counts = prepare("pragma wal_checkpoint(noop)");
    this.#checkpoint = prepare("pragma wal_checkpoint(passive)");
    this.#log = openSync(`${path}-wal`, "r+");
  }

  /** Waits, off this thread, until the disk has all commits. @throws the disk's error. */
  async sync(): Promise<void> {
    this.#syncs++;
    try {
      await new Promise<void>((resolve, reject) => fdatasync(this.#log, (error) => (error === null ? resolve() : reject(error))));
    } catch (error) {
      this.#doubt ??= error;
    } finally {
      this.#syncs--;
      if (this.#closed && this.#syncs === 0) closeSync(this.#log);
    }
    // Another sync may have failed while this one was under way, and this one need not have noticed the loss.
    if (this.#doubt !== null) throw this.#doubt;
  }

  /** Notes that the disk has not taken all of a commit or checkpoint. */
  failed(error: unknown): void {
    this.#doubt ??= error;
  }

  /** False when it must not be brought into log.db, as SQLite does when it closes. */
  mayClose(): boolean {
    if (this.#doubt === null) return true;
    try {
      this.rewrite();
      return true;
    } catch {
      return false;
    }
  }

  /** Finds the system's error for a failed write, because SQLite only tells that it failed. The try leaves nothing behind. */
  whyNotWritten(): unknown {
    const { size } = fstatSync(this.#log);
    try {
      this.#write(this.#log, Buffer.alloc(unitBytes), size);
      return null;
    } catch (error) {
      return error;
    } finally {
      ftruncateSync(this.#log, size);
    }
  }

  /** Notes about how many bytes a transaction will write. */
  grew(bytes: number): void {
    this.#written += 1 + bytes / unitBytes;
  }

  /** Brings synced pages into log.db when there are enough of them. @throws why that did not work; nothing is lost then. */
  checkpoint(): void {
    if (this.#written < lookEvery) return;
    this.#written = 0;
    if (this.#frames().all < checkpointPages) return;
    this.#checkpoint.get();
  }

  /**
   * Writes again all pages that may not be on the disk, and syncs them: those of the write-ahead log, and those that were brought from it into log.db. It cuts
   * off the frames of a failed commit behind the last one, because they would come back after a crash.
   *
   * @throws WriteAheadLogLost; LOG_SYNC_FAILED, LOG_FULL, LOG_UNAVAILABLE.
   */
  rewrite(): void {
    try {
      const { all, checkpointed } = this.#frames();
      const pages = this.#rewriteFrames(all, checkpointed);
      this.#rewritePages(pages);
      fdatasyncSync(this.#log);
      fdatasyncSync(this.#database);
      syncFolder(this.#path);
    } catch (error) {
      throw fromSqliteError(error, `Writing ${this.#path}-wal again`);
    }
    this.#doubt = null;
  }

  /** The same for a read, because SQLite calls an unreadable file "malformed". It looks at some pages all over log.db, so it may miss a single bad one. */
  whyNotRead(): unknown {
    const page = Buffer.alloc(512);
    try {
      const { size } = fstatSync(this.#database);
      for (let look = 0; look <= looks; look++) readSync(this.#database, page, 0, page.length, Math.floor((size / looks) * look));
      readSync(this.#log, page, 0, page.length, 0);
      return null;
    } catch (error) {
      return error;
    }
  }

  /** Call it after the database was closed, and before it is opened again. */
  close(): void {
    this.#closed = true;
    if (this.#syncs === 0) closeSync(this.#log);
  }

  #frames(): { readonly all: number; readonly checkpointed: number } {
    const [, all, checkpointed] = this.#counts.get() as unknown as readonly [number, number, number];
    return { all: Math.max(all, 0), checkpointed: Math.max(checkpointed, 0) };
  }

  /** @returns where the newest of the first `checkpointed` frames of each page is (SQLite's file format, 4.1 and 4.2). */
  #rewriteFrames(all: number, checkpointed: number): ReadonlyMap<number, number> {
    const pages = new Map<number, number>();
    const { size } = fstatSync(this.#log);
    if (all === 0) {
      if (size > 0) ftruncateSync(this.#log, 0);
      return pages;
    }
    const header = this.#read(this.#log, 0, headerBytes);
    const little = header.readUInt32BE(0) === 0x377f0682;
    this.#pageBytes = header.readUInt32BE(8);
    let sum = checksum([0, 0], header.subarray(0, 24), little);
    if (!isSum(header, 24, sum)) throw this.#changed("its header");
    this.#write(this.#log, header, 0);
    const frameBytes = frameHeaderBytes + this.#pageBytes;
    for (let index = 0, at = headerBytes; index < all; index++, at += frameBytes) {
      const frame = this.#read(this.#log, at, frameBytes);
      sum = checksum(checksum(sum, frame.subarray(0, 8), little), frame.subarray(frameHeaderBytes), little);
      if (frame.compare(header, 16, 24, 8, 16) !== 0 || !isSum(frame, 16, sum)) throw this.#changed(`page ${index + 1} of ${all}`);
      this.#write(this.#log, frame, at);
      if (index < checkpointed) pages.set(frame.readUInt32BE(0), at + frameHeaderBytes);
    }
    const end = headerBytes + all * frameBytes;
    if (size > end) ftruncateSync(this.#log, end);
    return pages;
  }

  #rewritePages(pages: ReadonlyMap<number, number>): void {
    const { size } = fstatSync(this.#database);
    for (const [page, at] of pages) {
      const to = (page - 1) * this.#pageBytes;
      if (to < size) this.#write(this.#database, this.#read(this.#log, at, this.#pageBytes), to);
    }
  }

  #read(file: number, at: number, bytes: number): Buffer {
    const buffer = Buffer.allocUnsafe(bytes);
    if (readSync(file, buffer, 0, bytes, at) < bytes) throw this.#changed("its end");
    return buffer;
  }

  #write(file: number, bytes: Buffer, at: number): void {
    for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done, bytes.length - done, at + done);
  }

  #changed(what: string): WriteAheadLogLost {
    return new WriteAheadLogLost(`${this.#path}-wal does not read as it was written (${what}): the disk failed to sync it, and has lost some of it.`);
  }
}

const looks = 16;
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
