import type { Clock } from "../event/clock.ts";
import { pause } from "../event/waits.ts";

/** Keeps work to so many events a second. Null: as fast as it goes. */
export function makeThrottle(perSecond: number | null, clock: Clock, signal: AbortSignal): (done: number) => Promise<void> {
  let paidMs = clock.monotonicMs();
  return async (done) => {
    if (perSecond === null || done === 0) return;
    const nowMs = clock.monotonicMs();
    // What was not used is not made up for: after a wait it would go at full speed beside live work.
    paidMs = Math.max(paidMs, nowMs - shortestPauseMs) + (done * 1000) / perSecond;
    if (paidMs - nowMs >= shortestPauseMs) await pause(paidMs - nowMs, clock, signal);
  };
}

/** Shorter ones are gathered. */
const shortestPauseMs = 10;
