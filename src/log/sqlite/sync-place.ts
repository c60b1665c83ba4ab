/** About so many appends count in the average. */
const remembered = 16;
/** While the disk is slow, one group out of so many tests whether it still is. */
const askedOneOf = 64;

/**
 * Where a group of appends waits for the disk. `now`: on this thread, which then does nothing else. This is right while the disk is quick, because 64
 * callers at once then store a tenth to a fifth more. `later`: on another thread, while a service reads requests and calls handlers on this one.
 */
export class SyncPlace {
  readonly #quickMs: number;
  #averageMs = 0;
  #groups = 0;

  /** @param quickMs the longest average time of a commit on a disk that counts as quick; 0: no disk does. */
  constructor(quickMs: number) {
    this.#quickMs = quickMs;
  }

  next(): "now" | "later" {
    return this.#averageMs < this.#quickMs || ++this.#groups % askedOneOf === 0 ? "now" : "later";
  }

  /** Notes how long a commit with its sync took on this thread. It counts as twice the limit at most, because it may have included a checkpoint. */
  took(ms: number): void {
    this.#averageMs += (Math.min(ms, 2 * this.#quickMs) - this.#averageMs) / remembered;
  }
}
