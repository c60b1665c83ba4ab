/** Turns of a replay's pace for what another instance delivers: the runner takes each before it asks for the delivery, so that all instances together keep the rate. */
import type { Pace } from "../delivery/partition/pace.ts";
import type { Clock } from "../event/clock.ts";
import { pause } from "../event/waits.ts";

/** Between two looks at a pace that is held, and at whether the turn is still wanted. */
const lookMs = 100;
/** A wait is never zero. */
const leastMs = 5;

export interface AskedTurn {
  readonly pace: Pick<Pace, "take" | "nextMs">;
  readonly clock: Clock;
  /** The replay is over here. */
  readonly signal: AbortSignal;
  readonly isWanted: () => boolean;
}

/** Waits for the next turn. @returns false when nobody wants it any more. */
export async function takeTurn({ pace, clock, signal, isWanted }: AskedTurn): Promise<boolean> {
  while (isWanted() && !signal.aborted) {
    const nowMs = clock.monotonicMs();
    if (pace.take(nowMs)) return true;
    const dueMs = pace.nextMs() ?? nowMs + lookMs;
    await pause(Math.max(leastMs, Math.min(lookMs, dueMs - nowMs)), clock, signal);
  }
  return false;
}
