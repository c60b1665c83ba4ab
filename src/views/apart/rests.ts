import type { Clock } from "../../event/clock.ts";
import { backOffMs, pause } from "../../event/waits.ts";

/** A larger transaction writes each page once: an event takes 7.3 µs in transactions of 64, 6.2 of 256, and 5 of 1,024; a settled dead letter 77, 69 and 60. */
const waits = { firstMs: 4, lastMs: 64 };
/** While somebody waits for a position. */
const awaitedMs = 16;
/** After so long without a rest the load was over. */
const calmMs = 50;

/** The rests of a projector under load, in which more events come for the next transaction: longer while the load lasts. */
export class Rests {
  readonly #clock: Clock;
  readonly #isAwaited: () => boolean;
  #endedMs = Number.NEGATIVE_INFINITY;
  #before = 0;
  #early: AbortController | null = null;

  constructor(clock: Clock, isAwaited: () => boolean) {
    this.#clock = clock;
    this.#isAwaited = isAwaited;
  }

  async rest(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    this.#before = this.#clock.monotonicMs() - this.#endedMs < calmMs ? this.#before + 1 : 0;
    const ms = backOffMs(this.#before, waits);
    const early = (this.#early = new AbortController());
    const stop = () => early.abort();
    signal.addEventListener("abort", stop);
    await pause(this.#isAwaited() ? Math.min(ms, awaitedMs) : ms, this.#clock, early.signal);
    signal.removeEventListener("abort", stop);
    this.#endedMs = this.#clock.monotonicMs();
  }

  /** Ends the rest that is under way. */
  end(): void {
    this.#early?.abort();
  }
}
