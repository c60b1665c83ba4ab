import type { Scan } from "../scan.ts";
import type { Step } from "../step.ts";
import { type PackedPage, unpack } from "./packed-page.ts";
import type { PagesAhead } from "./pages-ahead.ts";

/** A page takes the thread a millisecond or two. */
const patienceMs = 1000;
/** The thread takes 0.1 s of processor time to start, so it is worth that where there are so many times the batches before the subscription that it had. */
const aheadToBehind = 2.5;
/** A subscription that takes longer for its batches hardly waits for reading. */
const quickBatchMs = 100;

/** What a subscription has of the thread that reads ahead. */
export class ReadingAhead {
  readonly #ahead: PagesAhead;
  readonly #types: readonly string[] | null;
  #batches = 0;
  /** When and where the first of these batches was asked for. */
  #sinceMs = 0;
  #from = 0;
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

  /** Far from the end of the log, and quick. Batches tell how far: of large events, a few are a batch. */
  #isWorthIt(after: number): boolean {
    const { aheadBatches, batchEvents } = this.#ahead.limits;
    const left = this.#ahead.end() - after;
    if (this.#joined) {
      if (left < batchEvents) this.leave();
      return this.#joined;
    }
    if (this.#batches++ === 0) {
      this.#from = after;
      this.#sinceMs = this.#ahead.clock.monotonicMs();
    }
    if (this.#batches <= aheadBatches) return false;
    const isQuick = this.#ahead.clock.monotonicMs() - this.#sinceMs <= aheadBatches * quickBatchMs;
    this.#batches = 0;
    this.#joined = isQuick && left >= aheadToBehind * (after - this.#from) && this.#ahead.join(this);
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
