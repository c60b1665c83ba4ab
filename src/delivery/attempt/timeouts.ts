/** One timer for many calls. Calls with the same time-out are due in the order in which they began, and nearly all of them end before that. */
import type { Clock } from "../../event/clock.ts";
import { type Entry, Roster } from "../../event/roster.ts";

/** Told that its time is up. */
export interface Timed {
  /** @param dueByMs monotonic: everything that arrived before was taken. */
  timeIsUp(dueByMs: number): void;
}

interface Timeout {
  readonly dueMs: number;
  readonly timed: Timed;
  readonly queue: Queue;
}

interface Queue {
  /** In the order in which they are due. */
  readonly timeouts: Roster<Timeout>;
  timer: { cancel(): void } | null;
}

export interface Timeouts {
  /** Tells `timed` once, `afterMs` from now. @returns what `cancel` wants. */
  add(afterMs: number, timed: Timed): Entry<Timeout>;
  /** Of one that is over, nothing. */
  cancel(entry: Entry<Timeout>): void;
}

/** A timer for each call costs 290 ns, a place on a roster 20 ns. */
export function makeTimeouts(clock: Clock): Timeouts {
  const queues = new Map<number, Queue>();

  const arm = (queue: Queue): void => {
    const { timeouts } = queue;
    if (timeouts.first === null) return;
    queue.timer = clock.after(Math.max(0, timeouts.first.item.dueMs - clock.monotonicMs()), (dueByMs) => {
      // One that came due meanwhile is not over yet: its answer may have arrived without being taken.
      for (let first = timeouts.first; first !== null && first.item.dueMs <= dueByMs; first = timeouts.first) {
        timeouts.leave(first);
        first.item.timed.timeIsUp(dueByMs);
      }
      queue.timer?.cancel(); // somebody who was told may have set one
      queue.timer = null;
      arm(queue);
    });
  };

  return {
    add(afterMs, timed) {
      let queue = queues.get(afterMs);
      if (queue === undefined) queues.set(afterMs, (queue = { timeouts: new Roster(), timer: null }));
      const entry = queue.timeouts.enter({ dueMs: clock.monotonicMs() + afterMs, timed, queue });
      if (queue.timer === null) arm(queue);
      return entry;
    },
    cancel(entry) {
      const { queue } = entry.item;
      if (!queue.timeouts.leave(entry) || !queue.timeouts.isEmpty) return;
      queue.timer?.cancel(); // it would keep the process from ending
      queue.timer = null;
    },
  };
}
