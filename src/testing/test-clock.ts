import type { ManualClock } from "./manual-clock.ts";

/** Time in a test: it passes when the test says so. */
export interface TestClock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Lets so much time pass, and does all that comes due in it, each at its own time. */
  advance(ms: number): Promise<void>;
}

/** More timers than a day of retries every 100 ms has. */
const mostSteps = 1_000_000;

/** @param settled comes to rest at the time that it is. */
export function testClock(clock: ManualClock, settled: () => Promise<void>): TestClock {
  let last: Promise<void> = Promise.resolve();

  async function pass(ms: number): Promise<void> {
    await settled();
    const untilMs = clock.monotonicMs() + ms;
    for (let steps = 0; ; steps++) {
      const dueMs = clock.nextDueMs();
      if (dueMs === null || dueMs > untilMs) break;
      if (steps === mostSteps) throw new Error(`More than ${mostSteps} timers came due within ${ms} ms: let less time pass at once.`);
      clock.moveTo(dueMs);
      await settled();
    }
    clock.moveTo(untilMs);
    await settled();
  }

  return {
    now: () => clock.now(),
    advance(ms) {
      if (!Number.isFinite(ms) || ms < 0) throw new TypeError(`advance takes milliseconds, 0 or more, not ${ms}: the clock does not go back.`);
      const passed = last.then(() => pass(ms));
      last = passed.catch(() => {}); // whoever asked for it gets the error
      return passed;
    },
  };
}
