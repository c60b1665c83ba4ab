import { describe, expect, it } from "vitest";
import { systemClock } from "../../src/event/clock.ts";
import { compute, sentOff, startReceiverBeside } from "../support/busy-thread.ts";

describe("a timer that is due late, since the thread was busy", () => {
  it("runs after everything that had arrived by then", async () => {
    const url = await startReceiverBeside(20);
    await fetch(url); // connected, and all of the client loaded
    const seen: string[] = [];
    const answered = fetch(url).then(() => seen.push("answer"));
    await sentOff();
    const { promise, resolve } = Promise.withResolvers<number>();
    const dueMs = performance.now() + 50;
    systemClock.after(50, (dueByMs) => {
      seen.push("timer");
      resolve(dueByMs);
    });
    compute(150);
    const dueByMs = await promise;
    await answered;
    expect(seen).toEqual(["answer", "timer"]);
    expect(dueByMs).toBeGreaterThanOrEqual(dueMs);
    expect(dueByMs).toBeLessThanOrEqual(performance.now());
  });

  it("can be cancelled until it has run", async () => {
    let came = false;
    const timer = systemClock.after(1, () => {
      came = true;
    });
    const ended = Promise.withResolvers<void>();
    setTimeout(() => {
      timer.cancel(); // it was due, and lets the loop go round
      setImmediate(() => setImmediate(ended.resolve));
    }, 1);
    compute(5);
    await ended.promise;
    expect(came).toBe(false);
  });
});
