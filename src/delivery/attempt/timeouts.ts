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

/** A timer for each call costs 290 ns, a place on a roster 20 ns. */
export class Timeouts {
  readonly #clock: Clock;
  readonly #queues = new Map<number, Queue>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Tells `timed` once, `afterMs` from now. @returns what `cancel` wants. */
  add(afterMs: number, timed: Timed): Entry<Timeout> {
    let queue = this.#queues.get(afterMs);
    if (queue === undefined) this.#queues.set(afterMs, (queue = { timeouts: new Roster(), timer: null }));
    const entry = queue.timeouts.enter({ dueMs: this.#clock.monotonicMs() + afterMs, timed, queue });
    if (queue.timer === null) this.#arm(queue);
    return entry;
  }

  /** Of one that is over, nothing. */
  cancel(entry: Entry<Timeout>): void {
    const { queue } = entry.item;
    if (!queue.timeouts.leave(entry) || !queue.timeouts.isEmpty) return;
    queue.timer?.cancel(); // it would keep the process from ending
    queue.timer = null;
  }

  #arm(queue: Queue): void {
    const { timeouts } = queue;
    if (timeouts.first === null) return;
    queue.timer = this.#clock.after(Math.max(0, timeouts.first.item.dueMs - this.#clock.monotonicMs()), (dueByMs) => {
      // One that came due meanwhile is not over yet: its answer may have arrived without being taken.
      for (let first = timeouts.first; first !== null && first.item.dueMs <= dueByMs; first = timeouts.first) {
        timeouts.leave(first);
        first.item.timed.timeIsUp(dueByMs);
      }
      queue.timer?.cancel(); // somebody who was told may have set one
      queue.timer = null;
      this.#arm(queue);
    });
  }
}
