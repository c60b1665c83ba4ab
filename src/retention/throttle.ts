import type { Clock } from "../event/clock.ts";
import { besideMs, makeTurns } from "../event/turns.ts";
import { pause } from "../event/waits.ts";

/** Keeps work to so many events a second, and lets others have the thread between two pieces of it. Null: as fast as it goes. */
export function makeThrottle(perSecond: number | null, clock: Clock, signal: AbortSignal): (done: number) => Promise<void> {
  let paidMs = clock.monotonicMs();
  const turns = makeTurns(besideMs);
  return async (done) => {
    const nowMs = clock.monotonicMs();
    // What was not used is not made up for: after a wait it would go at full speed beside live work.
    if (perSecond !== null && done > 0) paidMs = Math.max(paidMs, nowMs - shortestPauseMs) + (done * 1000) / perSecond;
    if (paidMs - nowMs >= shortestPauseMs) await pause(paidMs - nowMs, clock, signal);
    else if (turns.due()) await turns.next();
  };
}

/** Shorter ones are gathered. */
const shortestPauseMs = 5;
