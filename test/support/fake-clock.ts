import type { Clock } from "../../src/event/clock.ts";

export interface FakeClock extends Clock {
  /** Moves time by `ms` and fires what becomes due, in order of time, then of setting; all pending microtasks run before, between and after. */
  advance(ms: number): Promise<void>;
  /** How many timers are set. */
  pending(): number;
}

/** A clock that stands still until a test moves it. `startMs`: wall clock at the start, milliseconds since 1970. */
export function makeFakeClock(startMs = Date.UTC(2026, 0, 1)): FakeClock {
  let elapsedMs = 0;
  const timers = new Set<{ readonly dueMs: number; readonly wake: (dueByMs: number) => void }>();

  /** The earliest timer due by then; a Set keeps the order of setting, so the first of equals wins. */
  const nextDue = (byMs: number) => {
    let next: { readonly dueMs: number; readonly wake: (dueByMs: number) => void } | undefined;
    for (const timer of timers) if (timer.dueMs <= byMs && (next === undefined || timer.dueMs < next.dueMs)) next = timer;
    return next;
  };

  return {
    now: () => startMs + elapsedMs,
    monotonicMs: () => elapsedMs,
    after(afterMs, wake) {
      const timer = { dueMs: elapsedMs + Math.max(0, afterMs), wake };
      timers.add(timer);
      return { cancel: () => void timers.delete(timer) };
    },
    pending: () => timers.size,
    async advance(ms) {
      const untilMs = elapsedMs + ms;
      await drained();
      for (let timer = nextDue(untilMs); timer !== undefined; timer = nextDue(untilMs)) {
        timers.delete(timer);
        elapsedMs = timer.dueMs;
        timer.wake(elapsedMs);
        await drained();
      }
      elapsedMs = untilMs;
    },
  };
}

/** An immediate runs only after the microtask queue is empty, however long its chains are. */
function drained(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
