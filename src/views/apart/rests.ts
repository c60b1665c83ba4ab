import type { Clock } from "../../event/clock.ts";
import { backOff } from "../../event/waits.ts";

/** A larger transaction writes each page once: rows of 300 events take two thirds of the time that they take in threes of 100. */
const waits = { firstMs: 4, lastMs: 16 };
/** After so long without a rest the load was over. */
const calmMs = 50;

/** The rests of a projector under load, in which more events come for the next transaction: longer while the load lasts. */
export function makeRests(clock: Clock): (signal: AbortSignal) => Promise<void> {
  let endedMs = Number.NEGATIVE_INFINITY;
  let before = 0;
  return async (signal) => {
    before = clock.monotonicMs() - endedMs < calmMs ? before + 1 : 0;
    await backOff(before, waits, clock, signal);
    endedMs = clock.monotonicMs();
  };
}
