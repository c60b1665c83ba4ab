import { setImmediate } from "node:timers";
import type { CallsInFlight } from "./calls-in-flight.ts";
import type { ManualClock } from "./manual-clock.ts";

export interface QuietNeeds {
  readonly clock: ManualClock;
  readonly calls: CallsInFlight;
  /** Position of the log's last event. */
  readonly head: () => Promise<bigint>;
  /** Up to where the views contain the log. */
  readonly viewed: () => bigint;
  /** Why the store does not go on; for the message of one that never comes to rest. */
  readonly trouble: () => string | null;
}

/** Nothing goes on by itself when nothing has moved for so many turns of the event loop: a step of the store takes one or two. */
const quietTurns = 6;
/** The views rest for 32 turns under load; beyond this many without any move they do not go on at all. */
const mostTurns = 2000;

export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Waits until the store has done all that it can do before the clock moves: what was appended is delivered, recorded and in the views. */
export async function untilQuiet({ clock, calls, head, viewed, trouble }: QuietNeeds): Promise<void> {
  let before = "";
  for (let still = 0, behind = 0; still < quietTurns; ) {
    await turn();
    const end = await head();
    const now = [end, viewed(), calls.count, clock.fired].join();
    const moved = now !== before;
    before = now;
    if (!moved && ++behind > mostTurns) throw new Error(`The test store does not come to rest: ${trouble() ?? "its views stay behind its log"}.`);
    if (moved) behind = 0;
    still = moved || clock.hasDue() || viewed() < end ? 0 : still + 1;
    if (still === quietTurns && (await calls.oneEnded())) still = 0;
  }
}
