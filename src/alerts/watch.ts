/**
 * Whether an alert fires about one subject, and when that is over. Pure: time is told. It does not flap: what has fired is resolved only when all was well for a
 * while, and each time that it comes back soon, that while is twice as long.
 */

export interface WatchRules {
  /** How long it has to be bad before it fires. */
  readonly lastMs: number;
  /** How long all has to be well before it is resolved. */
  readonly quietMs: number;
}

/** One that fires again within this time after it was resolved comes back. */
const backWithinMs = 600_000;
const longestQuietMs = 300_000;

export class Watch {
  readonly #rules: WatchRules;
  /** Monotonic; null: it is well. */
  #badMs: number | null = null;
  #lastedMs = 0;
  /** Null: it is bad, or nobody knows. */
  #wellMs: number | null = null;
  #resolvedMs = Number.NEGATIVE_INFINITY;
  #quietMs: number;

  constructor(rules: WatchRules) {
    this.#rules = rules;
    this.#quietMs = rules.quietMs;
  }

  /** How long it was bad when it was looked at last, or when it became well. */
  get lastedMs(): number {
    return this.#lastedMs;
  }

  /** @param isBad null: nobody knows, and what was is still so. @param firing what is on record. */
  look(isBad: boolean | null, firing: boolean, nowMs: number): "fire" | "resolve" | null {
    if (isBad === null) {
      this.#wellMs = null;
      return null;
    }
    if (this.#badMs !== null) this.#lastedMs = nowMs - this.#badMs;
    if (isBad) {
      this.#wellMs = null;
      if (this.#badMs === null) [this.#badMs, this.#lastedMs] = [nowMs, 0];
      return !firing && this.#lastedMs >= this.#rules.lastMs ? "fire" : null;
    }
    this.#badMs = null;
    this.#wellMs ??= nowMs;
    return firing && nowMs - this.#wellMs >= this.#quietMs ? "resolve" : null;
  }

  /** It fired, and that is on record. */
  fired(nowMs: number): void {
    const isBack = nowMs - this.#resolvedMs < backWithinMs;
    const longest = Math.max(longestQuietMs, this.#rules.quietMs);
    this.#quietMs = isBack ? Math.min(Math.max(this.#quietMs, 1) * 2, longest) : this.#rules.quietMs;
  }

  /** It was resolved, and that is on record. */
  resolved(nowMs: number): void {
    this.#resolvedMs = nowMs;
  }
}
