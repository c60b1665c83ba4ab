/** One timer for many calls. Calls with the same time-out are due in the order in which they began, and nearly all of them end before that. */
import type { Clock } from "../../event/clock.ts";

interface Timeout {
  readonly dueMs: number;
  readonly act: () => void;
}

interface Queue {
  /** In the order in which they are due. */
  readonly timeouts: Set<Timeout>;
  timer: { cancel(): void } | null;
}

export interface Timeouts {
  /** Calls `act` once, `afterMs` from now. @returns a function that cancels this. */
  add(afterMs: number, act: () => void): () => void;
}

/** A timer for each call costs 290 ns, a place in a set 60 ns. */
export function makeTimeouts(clock: Clock): Timeouts {
  const queues = new Map<number, Queue>();

  const arm = (queue: Queue): void => {
    const [first] = queue.timeouts;
    if (first === undefined) return;
    queue.timer = clock.after(Math.max(0, first.dueMs - clock.monotonicMs()), (dueByMs) => {
      for (const timeout of queue.timeouts) {
        if (timeout.dueMs > dueByMs) break; // it came due meanwhile, and its answer may have arrived without being taken yet
        queue.timeouts.delete(timeout);
        timeout.act();
      }
      queue.timer?.cancel(); // an act may have set one
      queue.timer = null;
      arm(queue);
    });
  };

  return {
    add(afterMs, act) {
      let queue = queues.get(afterMs);
      if (queue === undefined) queues.set(afterMs, (queue = { timeouts: new Set(), timer: null }));
      const timeout = { dueMs: clock.monotonicMs() + afterMs, act };
      const { timeouts } = queue;
      timeouts.add(timeout);
      if (queue.timer === null) arm(queue);
      const those = queue;
      return () => {
        if (!timeouts.delete(timeout) || timeouts.size > 0) return;
        those.timer?.cancel(); // it would keep the process from ending
        those.timer = null;
      };
    },
  };
}
