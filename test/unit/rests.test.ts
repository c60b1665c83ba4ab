import { expect, it } from "vitest";
import { Rests } from "../../src/views/apart/rests.ts";
import { makeFakeClock } from "../support/fake-clock.ts";

it("rows rest longer while the load lasts, and briefly again after a calm; a stop ends a rest, and so does somebody who waits", async () => {
  const clock = makeFakeClock();
  let awaited = false;
  const rests = new Rests(clock, () => awaited);
  const stop = new AbortController();
  /** How long one rest takes. */
  const took = async () => {
    let ended = false;
    void rests.rest(stop.signal).then(() => (ended = true));
    for (let ms = 0; ms < 100; ms++) {
      if (ended) return ms;
      await clock.advance(1);
    }
    throw new Error("the rest has no end");
  };
  expect([await took(), await took(), await took(), await took(), await took(), await took()]).toEqual([4, 8, 16, 32, 64, 64]);
  await clock.advance(20); // a batch is folded
  expect(await took()).toBe(64);
  awaited = true;
  expect(await took()).toBe(16);
  awaited = false;
  const long = rests.rest(stop.signal);
  rests.end();
  await long;
  await clock.advance(60);
  expect(await took()).toBe(4);
  const resting = rests.rest(stop.signal);
  stop.abort();
  await resting;
  expect(clock.pending()).toBe(0);
});
