import { describe, expect, it } from "vitest";
import { Timeouts } from "../../src/delivery/attempt/timeouts.ts";
import { WebhookDeadline } from "../../src/delivery/attempt/webhook-deadline.ts";
import type { Clock } from "../../src/event/clock.ts";
import { makeFakeClock } from "../support/fake-clock.ts";

function bench(clock: Clock) {
  const over: string[] = [];
  const deadline = new WebhookDeadline({ timeoutMs: 1000, clock, timeouts: new Timeouts(clock), onOver: (why) => over.push(why) });
  return { deadline, over };
}

/** A clock whose timers fire so much later than their time: the thread is busy. */
function makeLateClock(lateMs: number) {
  let nowMs = 0;
  const wakes: { readonly dueMs: number; readonly wake: (dueByMs: number) => void }[] = [];
  const clock: Clock = {
    ...makeFakeClock(),
    monotonicMs: () => nowMs,
    after(afterMs, wake) {
      wakes.push({ dueMs: nowMs + afterMs, wake });
      return { cancel() {} };
    },
  };
  const fire = (): boolean => {
    const next = wakes.shift();
    if (next === undefined) return false;
    nowMs = next.dueMs + lateMs;
    next.wake(nowMs);
    return true;
  };
  return { clock, fire };
}

describe("the time of a webhook's call", () => {
  it("begins when the request goes out, and until then is as long for the connection", async () => {
    const clock = makeFakeClock();
    const { deadline, over } = bench(clock);
    await clock.advance(900);
    deadline.sent();
    deadline.sent(); // of one call only the first counts
    await clock.advance(999);
    expect(over).toEqual([]);
    await clock.advance(1);
    expect(over).toEqual(["timeout"]);
    expect(clock.pending()).toBe(0);
  });

  it("ends when the connection alone takes as long", async () => {
    const clock = makeFakeClock();
    const { over } = bench(clock);
    await clock.advance(1000);
    expect(over).toEqual(["timeout"]);
  });

  it("never ends once it is cancelled", async () => {
    const clock = makeFakeClock();
    const { deadline, over } = bench(clock);
    deadline.cancel();
    await clock.advance(10_000);
    expect(over).toEqual([]);
  });

  it("begins anew, ten times at most, while this process is too busy to send; then the call was not sent", () => {
    const { clock, fire } = makeLateClock(51);
    const { over } = bench(clock);
    let fired = 0;
    while (over.length === 0 && fire()) fired++;
    expect({ over, fired }).toEqual({ over: ["not_sent"], fired: 11 });
  });

  it("does not begin anew for a timer that is only a little late", () => {
    const { clock, fire } = makeLateClock(50);
    const { over } = bench(clock);
    fire();
    expect(over).toEqual(["timeout"]);
  });
});
