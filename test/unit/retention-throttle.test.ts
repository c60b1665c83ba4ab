import { expect, it } from "vitest";
import { type Clock, systemClock } from "../../src/event/clock.ts";
import { makeThrottle } from "../../src/retention/throttle.ts";

/** A clock on which nothing takes time but what is waited for. */
function waitedClock() {
  const waits: number[] = [];
  let nowMs = 0;
  const clock: Clock = {
    ...systemClock,
    monotonicMs: () => nowMs,
    after(ms, wake) {
      waits.push(ms);
      nowMs += ms;
      setImmediate(() => wake(nowMs));
      return { cancel() {} };
    },
  };
  return { clock, waits, now: () => nowMs };
}

it("spreads a run's work: a few events each few milliseconds, and never many at once", async () => {
  const { clock, waits, now } = waitedClock();
  const throttle = makeThrottle(1000, clock, new AbortController().signal);
  for (let events = 0; events < 1000; events++) await throttle(1);
  expect(now()).toBeGreaterThan(980);
  expect(now()).toBeLessThan(1010);
  expect(Math.max(...waits)).toBeLessThan(10);
});

it.each([null, 1_000_000])("lets others have the thread once it was held for half a millisecond (%s events a second)", async (perSecond) => {
  const { clock } = waitedClock();
  const throttle = makeThrottle(perSecond, clock, new AbortController().signal);
  for (let piece = 0; piece < 5; piece++) {
    const turned = new Promise<string>((resolve) => setImmediate(resolve, "another's turn"));
    for (const sinceMs = performance.now(); performance.now() - sinceMs < 1; );
    const paid = throttle(1).then(() => "paid");
    expect(await Promise.race([turned, paid])).toBe("another's turn");
  }
});
