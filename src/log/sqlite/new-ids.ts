/** How far ahead of the log's clock ids still count as time-ordered, and how often their greatest is searched again. */
const aheadMs = 24 * 3_600_000;

/**
 * Tells which ids are surely new. Time-ordered ids (UUIDv7) nearly always are, because they are later than all stored ones. Then nobody has to look for them,
 * and looking is a tenth of an append's cost. Any other id has to be looked for, and so has an id from a producer whose clock is slow.
 */
export class NewIds {
  readonly #greatestBelow: (bound: string) => string | null;
  /** The greatest of the stored ids below `#bound`. Ids above it are not ordered by time, or come from a clock that is a day ahead. */
  #greatest = "";
  #bound = "";
  #boundMs = Number.NEGATIVE_INFINITY;

  /** @param greatestBelow the greatest stored id below a text, as the log's index orders them. */
  constructor(greatestBelow: (bound: string) => string | null) {
    this.#greatestBelow = greatestBelow;
  }

  /** @param nowMs of the log's clock. @returns false: it may be stored. */
  isNew(id: string, nowMs: number): boolean {
    // This is also for a clock that was set back by days: otherwise ids from the wrong days would stay greater than all ids to come.
    if (nowMs > this.#boundMs - aheadMs / 2 || nowMs < this.#boundMs - 2 * aheadMs) {
      this.#boundMs = nowMs + aheadMs;
      this.#bound = firstIdOf(this.#boundMs);
      this.#greatest = this.#greatestBelow(this.#bound) ?? "";
    }
    return id > this.#greatest && id < this.#bound;
  }

  /** Notes an id, even one that may be rolled back: a greatest id that is too great only costs more look-ups. */
  stored(id: string): void {
    if (id > this.#greatest && id < this.#bound) this.#greatest = id;
  }
}

/** The beginning of all UUIDv7 of a millisecond (of 1970 and later). */
function firstIdOf(ms: number): string {
  const hex = ms.toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}
