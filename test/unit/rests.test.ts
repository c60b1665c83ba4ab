import { expect, it } from "vitest";
import { makeRests } from "../../src/views/apart/rests.ts";
import { makeFakeClock } from "../support/fake-clock.ts";

it("rows rest longer while the load lasts, and briefly again after a calm; a stop ends a rest", async () => {
  const clock = makeFakeClock();
  const rest = makeRests(clock);
  const stop = new AbortController();
  /** How long one rest takes. */
  const took = async () => {
    let ended = false;
    void rest(stop.signal).then(() => (ended = true));
    for (let ms = 0; ms < 100; ms++) {
      if (ended) return ms;
      await clock.advance(1);
    }
    throw new Error("the rest has no end");
  };
  expect([await took(), await took(), await took(), await took()]).toEqual([4, 8, 16, 16]);
  await clock.advance(20); // a batch is folded
  expect(await took()).toBe(16);
  await clock.advance(60);
  expect(await took()).toBe(4);
  const resting = rest(stop.signal);
  stop.abort();
  await resting;
  expect(clock.pending()).toBe(0);
});
