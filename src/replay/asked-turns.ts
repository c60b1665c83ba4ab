/** Turns of a replay's pace for what another instance delivers: the runner takes each before it asks for the delivery, so that all instances together keep the rate. */
import type { NextTurn } from "../delivery/partition/lane-loan.ts";
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

/** Waits for the next turn. @param inMs it is not wanted earlier. @returns false when nobody wants it any more. */
export async function takeTurn({ pace, clock, signal, isWanted }: AskedTurn, inMs = 0): Promise<boolean> {
  const fromMs = clock.monotonicMs() + inMs;
  while (isWanted() && !signal.aborted) {
    const nowMs = clock.monotonicMs();
    if (fromMs <= nowMs && pace.take(nowMs)) return true;
    const dueMs = Math.max(fromMs, pace.nextMs() ?? nowMs + lookMs);
    await pause(Math.max(leastMs, Math.min(lookMs, dueMs - nowMs)), clock, signal);
  }
  return false;
}

/** How whoever still wants an item takes turns for its further attempts elsewhere. Null: nothing limits the replay now. */
export type NextTurnOf = (isWanted: () => boolean) => NextTurn | null;

export function makeNextTurn({ pace, ...about }: Pick<AskedTurn, "clock" | "signal"> & { readonly pace: Pace }): NextTurnOf {
  return (isWanted) => (pace.perSecond === null ? null : (inMs) => takeTurn({ ...about, pace, isWanted }, inMs));
}
