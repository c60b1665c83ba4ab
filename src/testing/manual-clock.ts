import { setImmediate } from "node:timers";
import type { Clock } from "../event/clock.ts";

interface Timer {
  readonly dueMs: number;
  readonly wake: (dueByMs: number) => void;
}

/** A clock that stands still until it is moved. What is due already fires by itself, in the next turn of the event loop: nobody has to move the clock for it. */
export class ManualClock implements Clock {
  readonly #startMs: number;
  #elapsedMs = 0;
  #timers = new Set<Timer>();
  #turn = false;
  #fired = 0;

  /** @param startMs milliseconds since 1970. */
  constructor(startMs: number) {
    this.#startMs = startMs;
  }

  now(): number {
    return this.#startMs + this.#elapsedMs;
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  after(afterMs: number, wake: (dueByMs: number) => void): { cancel(): void } {
    const timer = { dueMs: this.#elapsedMs + Math.max(0, afterMs), wake };
    this.#timers.add(timer);
    if (timer.dueMs <= this.#elapsedMs) this.#fireSoon();
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** How many timers have fired. */
  get fired(): number {
    return this.#fired;
  }

  /** When the next timer is due, monotonic; null: none is set. */
  nextDueMs(): number | null {
    let next: number | null = null;
    for (const { dueMs } of this.#timers) if (next === null || dueMs < next) next = dueMs;
    return next;
  }

  hasDue(): boolean {
    return (this.nextDueMs() ?? Number.POSITIVE_INFINITY) <= this.#elapsedMs;
  }

  /** Sets the time, forward only, and fires what is due then. */
  moveTo(monotonicMs: number): void {
    this.#elapsedMs = Math.max(this.#elapsedMs, monotonicMs);
    this.#fireDue();
  }

  #fireSoon(): void {
    if (this.#turn) return;
    this.#turn = true;
    setImmediate(() => {
      this.#turn = false;
      this.#fireDue();
    });
  }

  /** In the order of their times, then of setting. What these set anew waits for the next turn. */
  #fireDue(): void {
    const due = [...this.#timers].filter(({ dueMs }) => dueMs <= this.#elapsedMs).sort((a, b) => a.dueMs - b.dueMs);
    for (const timer of due) {
      if (!this.#timers.delete(timer)) continue; // one that fired before it has cancelled it
      this.#fired++;
      timer.wake(this.#elapsedMs);
    }
  }
}
