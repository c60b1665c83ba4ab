import { describe, expect, it } from "vitest";
import { Timeouts } from "../../src/delivery/attempt/timeouts.ts";
import { makeFakeClock } from "../support/fake-clock.ts";

describe("time-outs", () => {
  it("run when they are due, whatever their lengths, and do not run once they were cancelled", async () => {
    const clock = makeFakeClock();
    const timeouts = new Timeouts(clock);
    const came: string[] = [];
    const tells = (name: string) => ({ timeIsUp: () => void came.push(name) });
    timeouts.add(100, tells("first"));
    await clock.advance(50);
    timeouts.add(100, tells("second"));
    timeouts.add(20, tells("short"));
    const forgotten = timeouts.add(100, tells("forgotten"));
    await clock.advance(20);
    expect(came).toEqual(["short"]);
    timeouts.cancel(forgotten);
    await clock.advance(30);
    expect(came).toEqual(["short", "first"]);
    await clock.advance(50);
    expect(came).toEqual(["short", "first", "second"]);
  });

  it("leave no timer behind when the last one was cancelled, and begin anew", async () => {
    const clock = makeFakeClock();
    const timeouts = new Timeouts(clock);
    const came: string[] = [];
    const tells = (name: string) => ({ timeIsUp: () => void came.push(name) });
    for (const name of ["a", "b"]) timeouts.cancel(timeouts.add(100, tells(name)));
    expect(clock.pending()).toBe(0);
    timeouts.add(100, tells("c"));
    await clock.advance(100);
    expect(came).toEqual(["c"]);
  });

  it("may cancel one another, and add others, while they run", async () => {
    const clock = makeFakeClock();
    const timeouts = new Timeouts(clock);
    const came: string[] = [];
    const tells = (name: string) => ({ timeIsUp: () => void came.push(name) });
    timeouts.add(100, {
      timeIsUp() {
        timeouts.cancel(forgotten);
        timeouts.add(100, tells("later"));
      },
    });
    const forgotten = timeouts.add(100, tells("forgotten"));
    await clock.advance(200);
    expect(came).toEqual(["later"]);
  });
});
