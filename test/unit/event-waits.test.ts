import { describe, expect, it } from "vitest";
import type { Clock } from "../../src/event/clock.ts";
import { backOff, backOffMs, pause, within } from "../../src/event/waits.ts";
import { makeFakeClock } from "../support/fake-clock.ts";

/** Whether a promise has settled after all that was ready ran. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  promise.then(
    () => (settled = true),
    () => (settled = true),
  );
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  return settled;
}

describe("a pause", () => {
  it("ends after its time, not before", async () => {
    const clock = makeFakeClock();
    const paused = pause(100, clock);
    await clock.advance(99);
    expect(await isSettled(paused)).toBe(false);
    await clock.advance(1);
    expect(await isSettled(paused)).toBe(true);
  });

  it.each(["before it", "during it"])("ends early when its signal aborts %s", async (when) => {
    const clock = makeFakeClock();
    const leaving = new AbortController();
    if (when === "before it") leaving.abort();
    const paused = pause(100, clock, leaving.signal);
    leaving.abort();
    expect(await isSettled(paused)).toBe(true);
  });
});

describe("the wait after a failure", () => {
  it("doubles from the first to the last, and stays there however many failures there are", () => {
    const waits = { firstMs: 100, lastMs: 2000 };
    expect([0, 1, 2, 3, 4, 5, 6].map((failures) => backOffMs(failures, waits))).toEqual([100, 200, 400, 800, 1600, 2000, 2000]);
    for (const failures of [20, 1100, Number.MAX_SAFE_INTEGER]) expect(backOffMs(failures, waits)).toBe(2000);
  });

  it("is over in its time, or with its signal", async () => {
    const clock = makeFakeClock();
    const leaving = new AbortController();
    const [one, other] = [backOff(1, { firstMs: 100, lastMs: 2000 }, clock), backOff(9, { firstMs: 100, lastMs: 2000 }, clock, leaving.signal)];
    await clock.advance(200);
    expect([await isSettled(one), await isSettled(other)]).toEqual([true, false]);
    leaving.abort();
    expect(await isSettled(other)).toBe(true);
  });
});

describe("an answer that is waited for", () => {
  it("is given when it comes in time, and `late` is not called", async () => {
    const clock = makeFakeClock();
    let lates = 0;
    expect(await within(Promise.resolve("here"), 100, clock, () => lates++)).toBe("here");
    await clock.advance(1000);
    expect(lates).toBe(0);
    await expect(within(Promise.reject(new Error("no")), 100, clock, () => lates++)).rejects.toThrow("no");
    expect(clock.pending()).toBe(0);
  });

  it("is given up in the moment in which its time is over: what `late` returns or throws is the answer", async () => {
    const wakes: ((dueByMs: number) => void)[] = [];
    const clock: Clock = {
      ...makeFakeClock(),
      after(_afterMs, wake) {
        wakes.push(wake);
        return { cancel() {} };
      },
    };
    let over = false;
    const silent = new Promise<string>(() => {});
    const given = within(silent, 100, clock, () => {
      over = true;
      return "late";
    });
    const thrown = within(silent, 100, clock, () => {
      throw new Error("too late");
    });
    const refused = expect(thrown).rejects.toThrow("too late");
    for (const wake of wakes) wake(100);
    expect(over).toBe(true); // whoever acts looks at this before he begins
    expect(await given).toBe("late");
    await refused;
  });

  it("may still fail after that, and the failure is ignored", async () => {
    const clock = makeFakeClock();
    const { promise, reject } = Promise.withResolvers<string>();
    const given = within(promise, 100, clock, () => "late");
    await clock.advance(100);
    expect(await given).toBe("late");
    reject(new Error("an unhandled rejection would fail this run"));
    await new Promise((resolve) => setImmediate(resolve));
  });

  it.each(["before it", "during it"])("is given up early when its signal aborts %s", async (when) => {
    const leaving = new AbortController();
    if (when === "before it") leaving.abort();
    const given = within(new Promise<string>(() => {}), 100, makeFakeClock(), () => "left", leaving.signal);
    leaving.abort();
    expect(await given).toBe("left");
  });
});
