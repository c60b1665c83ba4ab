import { expect, it } from "vitest";
import { Rests } from "../../src/views/apart/rests.ts";
import { SharedPlaces } from "../../src/views/apart/shared-places.ts";
import { makeFakeClock } from "../support/fake-clock.ts";

it("rows rest longer while the load lasts, and briefly again after a calm; a stop ends a rest, and so does who waits or reads, and what is enough", async () => {
  const clock = makeFakeClock();
  let awaited = false;
  const shared = new SharedPlaces();
  const rests = new Rests(clock, () => awaited, shared);
  const stop = new AbortController();
  /** How long one rest takes. */
  const took = async () => {
    let ended = false;
    void rests.rest(stop.signal).then(() => (ended = true));
    for (let ms = 0; ms < 300; ms++) {
      if (ended) return ms;
      await clock.advance(1);
    }
    throw new Error("the rest has no end");
  };
  expect([await took(), await took(), await took(), await took(), await took(), await took(), await took(), await took()]).toEqual([
    4, 8, 16, 32, 64, 128, 256, 256,
  ]);
  await clock.advance(200); // a batch is folded
  expect(await took()).toBe(256);
  awaited = true;
  expect(await took()).toBe(16);
  awaited = false;
  const long = rests.rest(stop.signal);
  rests.end();
  await long;
  const read = rests.rest(stop.signal);
  await clock.advance(63);
  expect(shared.endsRest()).toBe(false); // what is read sees all but the last moments
  await clock.advance(1);
  expect([shared.endsRest(), shared.endsRest()]).toEqual([true, false]);
  rests.end();
  await read;
  expect(shared.endsRest()).toBe(false);
  expect(await took()).toBe(256);
  shared.grewTo(128n);
  expect(await took()).toBe(64);
  shared.rows = 1n;
  expect(await took()).toBe(256);
  await clock.advance(260);
  expect(await took()).toBe(4);
  const resting = rests.rest(stop.signal);
  stop.abort();
  await resting;
  expect(clock.pending()).toBe(0);
});
