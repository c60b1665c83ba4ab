/**
 * Brings the write-ahead log of one open log.db to the disk.
 *
 * SQLite must not make checkpoints by itself, because a checkpoint syncs, and SQLite does not report the disk's error then. SQLite also repeats a failed sync.
 * But the system marks pages that it could not write as clean, so the next sync finds nothing to do and succeeds, while the disk has none of them (measured:
 * 180 appends acknowledged in this way, none there after a power cut). So after a failure only pages that were *written again* and synced count.
 */
import { closeSync, fdatasync, fstatSync, ftruncateSync, openSync, readSync } from "node:fs";
import type { StatementSync } from "node:sqlite";
import { syncFolder } from "../durable-files.ts";
import { type CheckpointNeeds, Checkpoints } from "./checkpoints.ts";
import { type LogFiles, rewriteFrames, write } from "./rewrite-frames.ts";
import { fromSqliteError, isSyncFailure } from "./sqlite-error.ts";

/** Places of log.db at which a look tells whether it can be read. */
const looks = 16;
const tryBytes = 16_384;

export class WriteAheadLog {
  readonly #files: LogFiles;
  readonly #checkpoints: Checkpoints;
  #syncs = 0;
  #closed = false;
  /** A sync failed: nothing counts as stored until `rewrite`. */
  #doubt: unknown = null;
  #commits = 0;
  /** Of the commits. */
  #synced = 0;

  /**
   * @param owned its descriptor of log.db stays open as long as this process has any connection to the file, also in another thread, because the system
   *   ends all of a process's locks on a file when one descriptor of it is closed. Any descriptor of a file syncs all that was written to it.
   * @param prepare of the open database. It must have been read from, because the write-ahead log does not exist before that.
   */
  constructor(owned: CheckpointNeeds, prepare: (sql: string) => StatementSync) {
    const { path, descriptor } = owned;
    this.#checkpoints = new Checkpoints(owned, prepare, (error) => this.failed(error));
    this.#files = { path, database: descriptor, log: openSync(`${path}-wal`, "r+") };
  }

  /** Notes a commit. @param synced SQLite has synced it, with all before it. */
  committed(synced: boolean): void {
    this.#commits++;
    if (synced) this.#synced = this.#commits;
  }

  /** The disk has all commits. */
  get isSynced(): boolean {
    return this.#doubt === null && this.#synced === this.#commits;
  }

  /** Waits, off this thread, until the disk has all commits. @throws the disk's error. */
  async sync(): Promise<void> {
    const commits = this.#commits;
    this.#syncs++;
    try {
      await new Promise<void>((resolve, reject) => fdatasync(this.#files.log, (error) => (error === null ? resolve() : reject(error))));
    } catch (error) {
      this.#doubt ??= error;
    } finally {
      this.#syncs--;
      if (this.#closed && this.#syncs === 0) closeSync(this.#files.log);
    }
    // Another sync may have failed while this one was under way, and this one need not have noticed the loss.
    if (this.#doubt !== null) throw this.#doubt;
    this.#synced = Math.max(this.#synced, commits);
  }

  /** Notes that the disk has not taken all of a commit or checkpoint. */
  failed(error: unknown): void {
    this.#doubt ??= error;
  }

  /** False when it must not be brought into log.db, as SQLite does when it closes. */
  mayClose(): boolean {
    if (this.#doubt === null && !this.#checkpoints.underWay) return true;
    try {
      this.rewrite();
      return true;
    } catch {
      return false;
    }
  }

  /** Finds the system's error for a failed write, because SQLite only tells that it failed. The try leaves nothing behind. */
  whyNotWritten(): unknown {
    const { log } = this.#files;
    const { size } = fstatSync(log);
    try {
      write(log, Buffer.alloc(tryBytes), size);
      return null;
    } catch (error) {
      return error;
    } finally {
      ftruncateSync(log, size);
    }
  }

  /** Notes about how many bytes a transaction will write. */
  grew(bytes: number): void {
    this.#checkpoints.grew(bytes);
  }

  /** Call it between transactions. @throws as Checkpoints; when a sync failed: that. */
  checkpoint(): void {
    if (this.#doubt !== null) throw fromSqliteError(this.#doubt, "A sync");
    if (this.#synced < this.#commits) return; // a sync is under way: whoever waits for it comes here after it
    try {
      this.#checkpoints.makeDue();
    } catch (error) {
      if (isSyncFailure(error)) this.failed(error);
      throw error;
    }
  }

  /**
   * Writes again and syncs all pages that may not be on the disk: see rewriteFrames.
   *
   * @throws WriteAheadLogLost; LOG_SYNC_FAILED, LOG_FULL, LOG_UNAVAILABLE.
   */
  rewrite(): void {
    const { path } = this.#files;
    try {
      this.#checkpoints.settle(); // it writes the same pages, maybe later ones
      rewriteFrames(this.#files, this.#checkpoints.frames());
      syncFolder(path);
    } catch (error) {
      throw fromSqliteError(error, `Writing ${path}-wal again`);
    }
    this.#doubt = null;
  }

  /** The same for a read, because SQLite calls an unreadable file "malformed". It looks at some pages all over log.db, so it may miss a single bad one. */
  whyNotRead(): unknown {
    const { log, database } = this.#files;
    const page = Buffer.alloc(512);
    try {
      const { size } = fstatSync(database);
      for (let look = 0; look <= looks; look++) readSync(database, page, 0, page.length, Math.floor((size / looks) * look));
      readSync(log, page, 0, page.length, 0);
      return null;
    } catch (error) {
      return error;
    }
  }

  /** Call it before the database is closed, so that SQLite takes it for the last user of the file. */
  release(): void {
    this.#checkpoints.close();
  }

  /** Call it after the database was closed, and before it is opened again. */
  close(): void {
    this.#closed = true;
    if (this.#syncs === 0) closeSync(this.#files.log);
  }
}
