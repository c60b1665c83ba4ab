import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ReplayItem } from "../../src/records/replay-item.ts";
import { Canary } from "../../src/replay/canary.ts";
import { Feed } from "../../src/replay/feed.ts";
import { makeFakeClock } from "../support/fake-clock.ts";

/** A replay of one item for each of these entities, the first `wanted` of which are its canary. */
function scene(entities: number, wanted: number, holdSeconds = 10, tested: readonly string[] = []) {
  const items = Array.from(
    { length: entities },
    (_, at): ReplayItem => ({ handler: "h", lane: `e${at}`, revision: 0, at: "1", eventId: `${at}`, attempts: 1 }),
  );
  const clock = makeFakeClock();
  const feed = new Feed(items, () => false, wanted);
  const letters = new Map<string, string[]>();
  const records: object[] = [];
  const canary = new Canary(
    {
      terms: { entities: wanted, holdSeconds },
      feed,
      clock,
      letters: (streams) => [...streams].flatMap((stream) => letters.get(stream) ?? []),
      record: {
        persist: async (type, data) => {
          records.push({ type, data });
          return 1n;
        },
      },
    },
    tested,
  );
  canary.begin();
  return { canary, feed, letters, clock, records, items };
}

/** Takes all that may start now, as the job does. */
function takeAll(feed: Feed): readonly number[] {
  const taken: number[] = [];
  for (let place = feed.next(); place !== undefined; place = feed.next()) taken.push(place);
  return taken;
}

describe("a canary", () => {
  it("takes others in until as many entities were tested as were asked for, each once, in order, and never more", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 6 }), fc.infiniteStream(fc.boolean()), (entities, wanted, skipped) => {
        const { canary, feed, items } = scene(entities, wanted);
        const started: number[] = [];
        let delivered = 0;
        do {
          for (const place of takeAll(feed)) {
            started.push(place);
            if (!skipped.next().value) {
              canary.delivered(items[place]!.lane);
              delivered++;
            }
          }
        } while (canary.widen());
        expect(started).toEqual(started.map((_, index) => index));
        expect(canary.tested).toBe(delivered);
        expect(delivered).toBeLessThanOrEqual(wanted);
        expect(delivered === wanted || started.length === entities).toBe(true);
        expect(takeAll(feed)).toEqual([]);
      }),
    );
  });

  it("lets all start once its hold is over and nothing that it released has failed, on record", async () => {
    const { canary, feed, clock, records } = scene(5, 2);
    takeAll(feed);
    canary.delivered("e0");
    canary.delivered("e1");
    const held = canary.hold();
    await clock.advance(9999);
    expect([records, takeAll(feed)]).toEqual([[], []]);
    await clock.advance(1);
    expect(await held).toBe("passed");
    expect(records).toEqual([{ type: "replay.canary_passed", data: { entities: 2 } }]);
    expect(takeAll(feed)).toEqual([2, 3, 4]);
  });

  it("fails when its entities get a dead letter that they did not have before; other dead letters do not count", async () => {
    await fc.assert(
      fc.asyncProperty(fc.boolean(), fc.boolean(), fc.nat({ max: 9000 }), async (before, ofCanary, atMs) => {
        const { canary, letters, feed, clock, records } = scene(3, 1);
        if (before) letters.set("e0", ["e0 0"]);
        canary.begin();
        canary.delivered("e0");
        const held = canary.hold();
        await clock.advance(atMs);
        letters.set(ofCanary ? "e0" : "e2", [...(ofCanary ? (letters.get("e0") ?? []) : []), "a new one"]);
        await clock.advance(10_000);
        expect(await held).toBe(ofCanary ? "failed" : "passed");
        expect(records).toHaveLength(ofCanary ? 0 : 1);
        takeAll(feed);
      }),
      { numRuns: 40 },
    );
  });

  it("remembers the dead letters of entities that it takes in later", async () => {
    const { canary, letters, clock } = scene(2, 1);
    letters.set("e1", ["e1 0"]);
    expect(canary.widen()).toBe(true);
    canary.delivered("e1");
    const held = canary.hold();
    await clock.advance(10_000);
    expect(await held).toBe("passed");
  });

  it("that is let go waits no more, sets no timer, and may be held again from the start", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: 9999 }), { maxLength: 5 }), async (waits) => {
        const { canary, clock, records } = scene(1, 1);
        canary.delivered("e0");
        for (const ms of waits) {
          const held = canary.hold();
          await clock.advance(ms);
          canary.letGo();
          expect(await held).toBe("let_go");
          expect(clock.pending()).toBe(0);
        }
        canary.letGo();
        const held = canary.hold();
        await clock.advance(9999);
        expect(records).toEqual([]);
        await clock.advance(1);
        expect(await held).toBe("passed");
      }),
      { numRuns: 40 },
    );
  });

  it("knows what an earlier part of the replay tested", () => {
    const { canary } = scene(5, 2, 0, ["e0", "e1", "e1"]);
    expect(canary.tested).toBe(2);
    expect(canary.widen()).toBe(false);
  });
});
