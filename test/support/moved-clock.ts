import { type Clock, systemClock } from "../../src/event/clock.ts";

export interface MovedClock extends Clock {
  /** Moves the wall clock on: a millisecond is another time than that of all before. */
  later(ms?: number): void;
}

/** The clock of the machine, whose wall time a test moves on. Its timers are real ones: a log, threads and sockets that it is given to go on by themselves. */
export function makeMovedClock(): MovedClock {
  let aheadMs = 0;
  return { ...systemClock, now: () => systemClock.now() + aheadMs, later: (ms = 1) => void (aheadMs += ms) };
}
