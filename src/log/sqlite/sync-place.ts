/** Appends that the average goes back over, about. */
const remembered = 16;
/** While the disk is slow, one group of so many tells whether it still is. */
const askedOneOf = 64;

/**
 * Where a group of appends waits for the disk. `now`: on this thread, which then does nothing else, as long as the disk is quick: 64 callers at once
 * store a tenth to a fifth more so. `later`: on another one, beside which a service reads requests and calls handlers.
 */
export class SyncPlace {
  readonly #quickMs: number;
  #averageMs = 0;
  #groups = 0;

  /** @param quickMs what a commit takes on average with a quick disk, at most; 0 for none that is quick. */
  constructor(quickMs: number) {
    this.#quickMs = quickMs;
  }

  next(): "now" | "later" {
    return this.#averageMs < this.#quickMs || ++this.#groups % askedOneOf === 0 ? "now" : "later";
  }

  /** A commit with its sync took so long on this thread. One counts as twice the limit at most: it may have had a checkpoint to do, which says little about the next. */
  took(ms: number): void {
    this.#averageMs += (Math.min(ms, 2 * this.#quickMs) - this.#averageMs) / remembered;
  }
}
