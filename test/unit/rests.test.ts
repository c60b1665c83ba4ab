import { expect, it, vi } from "vitest";
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

/** @returns how long a rest takes that begins so long after the first one, of 4 ms. */
async function secondRest(afterMs: number): Promise<number> {
  const clock = makeFakeClock();
  const rests = new Rests(clock, () => false, new SharedPlaces());
  const took = async () => {
    let ended = false;
    const rest = rests.rest(new AbortController().signal).then(() => (ended = true));
    let ms = 0;
    for (; !ended; ms++) await clock.advance(1);
    await rest;
    return ms;
  };
  await took();
  await clock.advance(afterMs);
  return took();
}

it("a load is over after 50 ms without a rest, where the last one was short", async () => {
  expect(await secondRest(49)).toBe(8);
  expect(await secondRest(50)).toBe(4);
});

it("a short rest is no longer because somebody waits; a signal that has come lets none begin, and none keeps a listener", async () => {
  const clock = makeFakeClock();
  const rests = new Rests(clock, () => true, new SharedPlaces());
  const stop = new AbortController();
  const [added, removed] = [vi.spyOn(stop.signal, "addEventListener"), vi.spyOn(stop.signal, "removeEventListener")];
  let ended = false;
  const rest = rests.rest(stop.signal).then(() => (ended = true));
  await clock.advance(4);
  await rest;
  expect([ended, clock.pending()]).toEqual([true, 0]);
  expect(removed.mock.calls.map(([type, listener]) => [type, listener])).toEqual(added.mock.calls.map(([type, listener]) => [type, listener]));
  stop.abort();
  added.mockClear();
  await rests.rest(stop.signal);
  expect(added).not.toHaveBeenCalled();
});
