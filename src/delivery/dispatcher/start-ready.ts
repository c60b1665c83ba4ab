import type { Clock } from "../../event/clock.ts";
import type { Partition } from "../partition/partition.ts";
import type { Caller } from "./caller.ts";
import type { Pump } from "./pump.ts";

/** Deliveries that start between two looks at the clock. */
const startsOfRound = 16;
/** How long calls that end at once may take of one turn of the event loop. */
const turnMs = 5;
const roundsOfTurn = 64;

/**
 * Calls the handler for what is ready. Calls that end at once are followed by the next ones, for as long as a turn of the event loop may take; then the
 * next turn goes on.
 *
 * @returns the monotonic time after that.
 */
export function startReady(
  partition: Partition,
  caller: Caller,
  { clock, pump, begunMs }: { readonly clock: Clock; readonly pump: Pump; readonly begunMs: number },
): number {
  let nowMs = begunMs;
  for (let rounds = 1; ; rounds++) {
    const started = partition.schedule.start(nowMs, startsOfRound);
    if (started.length === 0) return nowMs;
    for (const delivery of started) caller.run(delivery);
    nowMs = clock.monotonicMs();
    if (nowMs - begunMs >= turnMs || rounds === roundsOfTurn) {
      pump.nextTurn();
      return nowMs;
    }
  }
}
