/** Something that is read for a page: not again for each page, and no page waits for it for long. */
import type { Clock } from "../event/clock.ts";
import { within } from "../event/waits.ts";

/** Two servers that scrape at the same moment get one reading. */
const leastMs = 1000;
/** What takes long is read the less often: at most this share of the time goes into it. */
const share = 0.1;
/** A page waits so long, and is then made of what was read before. */
const patienceMs = 2000;
/** What is older is not told any more: a figure that stands still looks like one that holds. */
const keptMs = 60_000;

export class Reading<T> {
  readonly #read: () => Promise<T>;
  readonly #clock: Clock;
  #last: { readonly value: T; readonly readMs: number; readonly againMs: number } | null = null;
  #under: Promise<void> | null = null;

  /** @param read may fail: then it tells nothing, until it does. */
  constructor(read: () => Promise<T>, clock: Clock) {
    this.#read = read;
    this.#clock = clock;
  }

  /** Null when there is nothing that could be told. */
  async value(): Promise<T | null> {
    if (this.#under !== null || this.#clock.monotonicMs() >= (this.#last?.againMs ?? 0))
      await within((this.#under ??= this.#again()), patienceMs, this.#clock, () => {});
    const last = this.#last;
    return last !== null && this.#clock.monotonicMs() - last.readMs <= keptMs ? last.value : null;
  }

  async #again(): Promise<void> {
    const sinceMs = this.#clock.monotonicMs();
    try {
      const value = await this.#read();
      const readMs = this.#clock.monotonicMs();
      this.#last = { value, readMs, againMs: readMs + Math.max(leastMs, (readMs - sinceMs) / share) };
    } catch {
      this.#last = null; // the log or the views say themselves what ails them, in the readiness of the service
    } finally {
      this.#under = null;
    }
  }
}
