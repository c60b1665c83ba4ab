/** How far ahead of the log's clock ids count as time-ordered, and when it is looked for again what is the greatest of them. */
const aheadMs = 24 * 3_600_000;

/**
 * Which ids are new for sure. Time-ordered ones (UUIDv7) nearly always are: later than all that are stored, so that nobody has to look for them, and
 * looking is a tenth of an append's cost. Any other id, and one that a producer's slow clock made, says no more than "look".
 */
export class NewIds {
  readonly #greatestBelow: (bound: string) => string | null;
  /** Of the stored ids below `#bound`; ids above it are nobody's time, or that of a clock a day ahead. */
  #greatest = "";
  #bound = "";
  #boundMs = Number.NEGATIVE_INFINITY;

  /** @param greatestBelow the greatest stored id below a text, as the log's index orders them. */
  constructor(greatestBelow: (bound: string) => string | null) {
    this.#greatestBelow = greatestBelow;
  }

  /** @param nowMs of the log's clock. @returns false: it may be stored. */
  isNew(id: string, nowMs: number): boolean {
    // Also when the clock was set back by days: ids of the days that were not would else be greater than all that come.
    if (nowMs > this.#boundMs - aheadMs / 2 || nowMs < this.#boundMs - 2 * aheadMs) {
      this.#boundMs = nowMs + aheadMs;
      this.#bound = firstIdOf(this.#boundMs);
      this.#greatest = this.#greatestBelow(this.#bound) ?? "";
    }
    return id > this.#greatest && id < this.#bound;
  }

  /** Also for what may be rolled back: too great a greatest only makes for more looking. */
  stored(id: string): void {
    if (id > this.#greatest && id < this.#bound) this.#greatest = id;
  }
}

/** What all UUIDv7 of a millisecond (of 1970 and later) begin with. */
function firstIdOf(ms: number): string {
  const hex = ms.toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}
