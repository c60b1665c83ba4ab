import { describe, expect, it } from "vitest";
import { makeTimeouts } from "../../src/delivery/attempt/timeouts.ts";
import { makeFakeClock } from "../support/fake-clock.ts";

describe("time-outs", () => {
  it("run when they are due, whatever their lengths, and do not run once they were cancelled", async () => {
    const clock = makeFakeClock();
    const timeouts = makeTimeouts(clock);
    const came: string[] = [];
    timeouts.add(100, () => came.push("first"));
    await clock.advance(50);
    timeouts.add(100, () => came.push("second"));
    timeouts.add(20, () => came.push("short"));
    const forget = timeouts.add(100, () => came.push("forgotten"));
    await clock.advance(20);
    expect(came).toEqual(["short"]);
    forget();
    await clock.advance(30);
    expect(came).toEqual(["short", "first"]);
    await clock.advance(50);
    expect(came).toEqual(["short", "first", "second"]);
  });

  it("leave no timer behind when the last one was cancelled, and begin anew", async () => {
    const clock = makeFakeClock();
    const timeouts = makeTimeouts(clock);
    const came: string[] = [];
    for (const name of ["a", "b"]) timeouts.add(100, () => came.push(name))();
    expect(clock.pending()).toBe(0);
    timeouts.add(100, () => came.push("c"));
    await clock.advance(100);
    expect(came).toEqual(["c"]);
  });

  it("may cancel one another, and add others, while they run", async () => {
    const clock = makeFakeClock();
    const timeouts = makeTimeouts(clock);
    const came: string[] = [];
    timeouts.add(100, () => {
      forget();
      timeouts.add(100, () => came.push("later"));
    });
    const forget = timeouts.add(100, () => came.push("forgotten"));
    await clock.advance(200);
    expect(came).toEqual(["later"]);
  });
});
