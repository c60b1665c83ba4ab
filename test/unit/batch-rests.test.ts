import { describe, expect, it } from "vitest";
import { BatchRests } from "../../src/views/apart/batch-rests.ts";
import { makeFakeClock } from "../support/fake-clock.ts";

/** Sends batches, so many ms apart, and tells before which of them it has waited. */
async function waitsOf(batches: readonly { readonly afterMs: number; readonly events: number; readonly live?: boolean }[]): Promise<readonly number[]> {
  const clock = makeFakeClock();
  const rests = new BatchRests(clock);
  const waited: number[] = [];
  for (const [index, { afterMs, events, live = true }] of batches.entries()) {
    await clock.advance(afterMs);
    let rested = false;
    const rest = rests.rest().then(() => (rested = true));
    await Promise.resolve().then(() => {});
    if (!rested) waited.push(index);
    while (!rested) await clock.advance(1);
    await rest;
    rests.sent(events, live);
  }
  return waited;
}

const times = <T>(count: number, one: T): readonly T[] => Array.from({ length: count }, () => one);

describe("batches for the thread of the views", () => {
  it("do not wait for one client that waits for each of its events, nor while the log is read from its beginning", async () => {
    expect(await waitsOf(times(100, { afterMs: 3, events: 1 }))).toEqual([]);
    expect(await waitsOf(times(100, { afterMs: 0, events: 512, live: false }))).toEqual([]);
  });

  it("wait for more events under load, for as long as it lasts", async () => {
    const load = times(20, { afterMs: 1, events: 8 });
    const waited = await waitsOf([...load, ...times(20, { afterMs: 3, events: 1 })]);
    expect(waited).toEqual([...Array.from({ length: 11 }, (_, index) => index + 9), 20]);
  });

  it("take two batches that are 2 ms apart for calm, and count anew after it", async () => {
    const quick = times(8, { afterMs: 1, events: 8 });
    expect(await waitsOf([{ afterMs: 0, events: 8 }, ...quick, { afterMs: 1, events: 8 }])).toEqual([9]);
    expect(await waitsOf([{ afterMs: 0, events: 8 }, ...times(20, { afterMs: 2, events: 8 })])).toEqual([]);
    const broken = [{ afterMs: 0, events: 8 }, ...quick.slice(1), { afterMs: 2, events: 8 }, ...quick.slice(1), { afterMs: 1, events: 8 }];
    expect(await waitsOf(broken)).toEqual([]);
  });

  it("wait 4 ms each, as long as four events come of it", async () => {
    const clock = makeFakeClock();
    const rests = new BatchRests(clock);
    for (let batch = 0; batch < 9; batch++) rests.sent(8, true);
    for (const [events, waits] of [
      [4, true],
      [3, true],
      [8, false],
    ] as const) {
      let rested = false;
      const rest = rests.rest().then(() => (rested = true));
      if (waits) {
        await clock.advance(3);
        expect(rested).toBe(false);
        await clock.advance(1);
      }
      await rest;
      expect(clock.pending()).toBe(0);
      rests.sent(events, true);
    }
  });
});
