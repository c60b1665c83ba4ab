import type { Scan } from "../scan.ts";
import type { Step } from "../step.ts";
import { type PackedPage, unpack } from "./packed-page.ts";
import type { PagesAhead } from "./pages-ahead.ts";

/** A page takes the thread a millisecond or two. */
const patienceMs = 1000;
/** A subscription that takes longer for its batches hardly waits for reading. */
const quickBatchMs = 100;

/** What a subscription has of the thread that reads ahead. */
export class ReadingAhead {
  readonly #ahead: PagesAhead;
  readonly #types: readonly string[] | null;
  #batches = 0;
  #sinceMs: number;
  #joined = false;
  /** Of what the thread reads for it from one place on; null: nothing. */
  #number: number | null = null;
  /** Null: the next one is to be read here. */
  readonly #pages: (PackedPage | null)[] = [];
  #arrived: ((page: PackedPage | null) => void) | null = null;
  #taken = 0;

  /** @param types null: events of all. */
  constructor(ahead: PagesAhead, types: readonly string[] | null) {
    this.#ahead = ahead;
    this.#types = types;
    this.#sinceMs = ahead.clock.monotonicMs();
  }

  /** The batch behind `after`. Null: read it here. Call it once for each batch. */
  async next(after: number): Promise<Scan | null> {
    if (!this.#isWorthIt(after)) return null;
    this.#number ??= this.#ahead.read(this, this.#types, after);
    if (this.#number === null) return null;
    const page = this.#pages.length > 0 ? this.#pages.shift()! : await this.#arrival(this.#number);
    const batch = page?.after === after ? batchOf(page, this.#ahead.step) : null;
    if (batch === null) {
      this.drop();
      return null;
    }
    this.#taken++;
    if (this.#number !== null) this.#ahead.goOn(this.#number, 1);
    return batch;
  }

  take(page: PackedPage | null): void {
    if (this.#arrived === null) this.#pages.push(page);
    else this.#answer(page);
  }

  /** Forgets what was read ahead. The thread begins anew where the next batch begins. */
  drop(): void {
    if (this.#number !== null) this.#ahead.done(this.#number);
    this.#number = null;
    this.#pages.length = 0;
    this.#answer(null);
  }

  /** May be called twice. */
  leave(): void {
    this.drop();
    this.#joined = false;
    this.#ahead.leave(this);
  }

  /** Since the last time that it was asked. */
  pagesTaken(): number {
    const taken = this.#taken;
    this.#taken = 0;
    return taken;
  }

  /** Far from the end of the log, and quick. */
  #isWorthIt(after: number): boolean {
    const { aheadEvents, aheadBatches } = this.#ahead.limits;
    if (this.#ahead.end() - after < aheadEvents) {
      if (this.#joined) this.leave();
      return false;
    }
    if (this.#joined || ++this.#batches < aheadBatches) return this.#joined;
    const nowMs = this.#ahead.clock.monotonicMs();
    const isQuick = nowMs - this.#sinceMs <= this.#batches * quickBatchMs;
    this.#batches = 0;
    this.#sinceMs = nowMs;
    this.#joined = isQuick && this.#ahead.join(this);
    return this.#joined;
  }

  #arrival(number: number): Promise<PackedPage | null> {
    this.#ahead.goOn(number, 0);
    const { promise, resolve } = Promise.withResolvers<PackedPage | null>();
    const late = this.#ahead.clock.after(patienceMs, () => this.#ahead.failed());
    const arrived = (page: PackedPage | null) => {
      late.cancel();
      resolve(page);
    };
    this.#arrived = arrived;
    return promise;
  }

  #answer(page: PackedPage | null): void {
    const arrived = this.#arrived;
    this.#arrived = null;
    arrived?.(page);
  }
}

/** @returns null when this thread has to read it. */
function batchOf(page: PackedPage, step: Step): Scan | null {
  try {
    return step((db) => {
      if (db.lost.zone(page.after + 1, page.reached, "below") !== null) return null;
      const events = unpack(page, db);
      return events && { events, bytes: page.bytes, reached: page.reached };
    });
  } catch {
    return null; // this thread's own read meets it again
  }
}
