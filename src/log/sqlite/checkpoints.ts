/**
 * Brings the write-ahead log of one open log.db into it, before it grows too long. A checkpoint that this thread makes stops everything for milliseconds, so
 * another thread makes most of them, where there is one. It writes pages of commits that are synced, then syncs log.db. Meanwhile a read transaction of ours holds the
 * write-ahead log: nothing behind it is brought over, and no commit begins it anew before log.db is synced.
 *
 * What is committed during a checkpoint is left over by it, and SQLite begins the write-ahead log anew only when nothing is left. So, from time to time, this
 * thread brings over those last few pages by itself, between two commits.
 */
import { fdatasyncSync } from "node:fs";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type CheckpointWriter, ThreadEnded } from "./checkpoint-writer.ts";
import { openRaw } from "./open-raw.ts";
import { fromSqliteError, isSyncFailure } from "./sqlite-error.ts";

/** The number of pages is looked at after so many commits, or after so many times 16 KiB of data, because a look takes 4 µs. */
const lookEvery = 16;
const unitBytes = 16_384;

/** How the owner of a log.db makes its checkpoints. */
export interface CheckpointNeeds {
  readonly path: string;
  /** Of log.db. */
  readonly descriptor: number;
  readonly writer: Pick<CheckpointWriter, "isReady" | "write" | "settle">;
  /** One is due when so many pages are left. From four times as many on, the write-ahead log is begun anew; from sixteen times on, commits wait for it. */
  readonly checkpointPages: number;
}

export interface Frames {
  readonly all: number;
  readonly checkpointed: number;
}

export class Checkpoints {
  readonly #needs: CheckpointNeeds;
  readonly #counts: StatementSync;
  readonly #checkpoint: StatementSync;
  readonly #failed: (error: unknown) => void;
  #reader: DatabaseSync | null = null;
  #units = 0;
  #underWay = false;
  /** The pages there were at the last checkpoint, which may have brought nothing over: somebody reads what was there long ago. */
  #triedAt = 0;
  /** The last checkpoint brought something over. */
  #moved = false;
  #failure: unknown = null;
  #closed = false;

  /** @param failed told when log.db could not be synced. */
  constructor(needs: CheckpointNeeds, prepare: (sql: string) => StatementSync, failed: (error: unknown) => void) {
    this.#needs = needs;
    this.#counts = prepare("pragma wal_checkpoint(noop)");
    this.#checkpoint = prepare("pragma wal_checkpoint(passive)");
    this.#failed = failed;
  }

  /** Notes about how many bytes a transaction will write. */
  grew(bytes: number): void {
    this.#units += 1 + bytes / unitBytes;
  }

  /** Another thread makes one. */
  get underWay(): boolean {
    return this.#underWay;
  }

  /** Pages in the write-ahead log, with those that log.db has, too. */
  frames(): Frames {
    const [, all, checkpointed] = this.#counts.get() as unknown as readonly [number, number, number];
    return { all: Math.max(all, 0), checkpointed: Math.max(checkpointed, 0) };
  }

  /**
   * Makes one when it is due. Call it between transactions, when all commits are synced.
   *
   * @throws why it did not work, or the last one could not be written; nothing is lost then.
   */
  makeDue(): void {
    if (this.#failure !== null) throw this.#takeFailure();
    if (this.#units < lookEvery) return;
    this.#units = 0;
    const { writer, checkpointPages } = this.#needs;
    const { all, checkpointed } = this.frames();
    if (this.#underWay) {
      if (all >= 16 * checkpointPages) this.#hurry();
      return;
    }
    const left = all - checkpointed;
    if (all < this.#triedAt) this.#triedAt = 0; // it was begun anew
    if (!writer.isReady) {
      if (all >= checkpointPages) this.#checkpoint.get();
    } else if (left >= checkpointPages && all - this.#triedAt >= checkpointPages) this.#begin(all, checkpointed);
    else if (this.#moved && all >= 4 * checkpointPages) {
      this.#moved = false;
      if (left > checkpointPages / 4) this.#begin(all, checkpointed);
      else this.#checkpoint.get();
    }
  }

  /** The other thread writes nothing any more, for which this one may have to wait. @throws LOG_UNAVAILABLE */
  settle(): void {
    this.#needs.writer.settle();
  }

  /** Lets the write-ahead log go. Call it before the database is closed, or after all pages were written again and synced. */
  close(): void {
    this.#closed = true;
    this.#reader?.close();
    this.#reader = null;
  }

  #begin(all: number, checkpointed: number): void {
    this.#hold();
    this.#triedAt = all;
    this.#moved = false;
    this.#underWay = true;
    void this.#write(checkpointed).finally(() => (this.#underWay = false));
  }

  async #write(checkpointed: number): Promise<void> {
    try {
      await this.#needs.writer.write().catch((error: unknown) => this.#syncHere(error));
      if (this.#closed) return;
      this.#letGo();
      this.#moved = this.frames().checkpointed > checkpointed;
    } catch (error) {
      if (!this.#closed) this.#fails(error);
    }
  }

  /** After the thread's end the pages may all be written, but not synced. @throws */
  #syncHere(error: unknown): void {
    if (!(error instanceof ThreadEnded)) throw error;
    if (!this.#closed) fdatasyncSync(this.#needs.descriptor);
  }

  #fails(error: unknown): void {
    const failure = fromSqliteError(error, "Bringing the write-ahead log into log.db");
    if (isSyncFailure(failure)) {
      this.#failed(failure); // the write-ahead log stays held until all is written again
      return;
    }
    this.#failure = failure;
    this.#letGo();
  }

  /** The write-ahead log is very long. The other thread makes the checkpoint at once, or this one does, if that has other work. */
  #hurry(): void {
    if (!this.#needs.writer.settle()) return;
    this.#letGo();
    this.#checkpoint.get();
  }

  #hold(): void {
    this.#reader ??= openRaw(this.#needs.path, "read");
    this.#letGo();
    this.#reader.exec("begin; select one from tail");
  }

  #letGo(): void {
    if (this.#reader?.isTransaction === true) this.#reader.exec("rollback");
  }

  #takeFailure(): unknown {
    const failure = this.#failure;
    this.#failure = null;
    return failure;
  }
}
