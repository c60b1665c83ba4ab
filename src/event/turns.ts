/** Lets other work run during long work: a loop over something that a caller may make large asks here between two pieces. */
import { setImmediate as nextTurn } from "node:timers/promises";

/** The longest time for which the thread is held, apart from the longest piece: a request that is served meanwhile takes some milliseconds itself. */
const heldMs = 8;

export interface Turns {
  /** The thread was held long enough: wait for `next` before the next piece. Costs 0.1 µs. */
  due(): boolean;
  /** Lets the others go first. What was read before may have changed. */
  next(): Promise<void>;
}

/** Measures the thread's own time, whatever clock the service has, because it only decides when to let others run. */
export function makeTurns(): Turns {
  let sinceMs = performance.now();
  return {
    due: () => performance.now() - sinceMs >= heldMs,
    async next() {
      await nextTurn();
      sinceMs = performance.now();
    },
  };
}
