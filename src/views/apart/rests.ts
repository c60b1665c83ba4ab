import type { Clock } from "../../event/clock.ts";
import { backOffMs, pause } from "../../event/waits.ts";
import type { SharedPlaces } from "./shared-places.ts";

/**
 * A larger transaction writes each page once: an event takes 7.3 µs in transactions of 64, 6.2 of 256, and 5 of 1,024; a settled dead letter 77, 69 and 60. And
 * what is folded after the load competes with nothing for the cores.
 */
const waits = { firstMs: 4, lastMs: 256 };
/** From then on somebody who reads ends a rest, and so do `enoughEvents`. Sooner, a page that asks again and again would keep all of them short. */
const pieceMs = 64;
/** More at once would keep a core busy for so long that others miss it. A replay's records are fewer: each tells of fifty letters. */
const enoughEvents = 128n;
/** While somebody waits for a position. */
const awaitedMs = 16;
/** After so long without a rest, and as long as the last one, the load was over. */
const calmMs = 50;

type RestPlaces = Pick<SharedPlaces, "restsUntilRead" | "logEnd" | "rows">;

/** The rests of a projector under load, in which more events come for the next transaction: longer while the load lasts. */
export class Rests {
  readonly #clock: Clock;
  readonly #isAwaited: () => boolean;
  readonly #shared: RestPlaces;
  #endedMs = Number.NEGATIVE_INFINITY;
  #before = 0;
  #lastMs = 0;
  #early: AbortController | null = null;

  constructor(clock: Clock, isAwaited: () => boolean, shared: RestPlaces) {
    this.#clock = clock;
    this.#isAwaited = isAwaited;
    this.#shared = shared;
  }

  async rest(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const load = this.#clock.monotonicMs() - this.#endedMs < Math.max(calmMs, this.#lastMs);
    this.#before = load ? this.#before + 1 : 0;
    const longMs = backOffMs(this.#before, waits);
    let leftMs = this.#isAwaited() ? Math.min(longMs, awaitedMs) : longMs;
    this.#lastMs = 0;
    const early = (this.#early = new AbortController());
    const stop = () => early.abort();
    signal.addEventListener("abort", stop);
    do {
      const ms = Math.min(leftMs, pieceMs);
      await pause(ms, this.#clock, early.signal);
      this.#lastMs += ms;
      leftMs -= ms;
      this.#shared.restsUntilRead = true;
    } while (leftMs > 0 && !early.signal.aborted && !this.#isEnough());
    this.#shared.restsUntilRead = false;
    signal.removeEventListener("abort", stop);
    this.#endedMs = this.#clock.monotonicMs();
  }

  #isEnough(): boolean {
    return this.#shared.logEnd - this.#shared.rows >= enoughEvents;
  }

  /** Ends the rest that is under way. */
  end(): void {
    this.#early?.abort();
  }
}
