import { describe, expect, it } from "vitest";
import { Pace } from "../../src/delivery/partition/pace.ts";
import { takeTurn } from "../../src/replay/asked-turns.ts";
import { makeFakeClock } from "../support/fake-clock.ts";

describe("turns for what other instances deliver", () => {
  it("come at the replay's rate, beside those that are taken here, and stop while it is held", async () => {
    const clock = makeFakeClock();
    const pace = new Pace(10, 0);
    const { signal } = new AbortController();
    let taken = 0;
    const runs = Array.from({ length: 8 }, async () => {
      while (await takeTurn({ pace, clock, signal, isWanted: () => clock.monotonicMs() < 20_000 })) taken++;
    });
    await clock.advance(3000);
    expect(taken).toBeGreaterThanOrEqual(28);
    expect(taken).toBeLessThanOrEqual(32);
    const here = taken;
    for (let n = 0; n < 20; n++) {
      if (pace.take(clock.monotonicMs())) taken++;
      await clock.advance(100);
    }
    expect(taken - here).toBeLessThanOrEqual(21);
    pace.hold(true);
    const held = taken;
    await clock.advance(2000);
    expect(taken).toBe(held);
    pace.hold(false);
    await clock.advance(1000);
    expect(taken).toBeGreaterThan(held);
    await clock.advance(20_000);
    await Promise.all(runs);
  });

  it("are given to nobody who wants them no more, or whose replay is over here", async () => {
    const clock = makeFakeClock();
    const pace = new Pace(1, 0);
    pace.hold(true);
    const over = new AbortController();
    let isWanted = true;
    const taken = [
      { signal: over.signal, isWanted: () => true },
      { signal: new AbortController().signal, isWanted: () => isWanted },
    ].map((about) => takeTurn({ pace, clock, ...about }));
    await clock.advance(500);
    over.abort();
    isWanted = false;
    await clock.advance(200);
    expect(await Promise.all(taken)).toEqual([false, false]);
  });
});
