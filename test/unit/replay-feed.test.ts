import { describe, expect, it } from "vitest";
import type { ReplayItem } from "../../src/records/replay-item.ts";
import { Feed } from "../../src/replay/feed.ts";
import { differences } from "../../src/replay/report.ts";
import { StopRules } from "../../src/replay/stop-rules.ts";

const items = ["a", "b", "a", "c", "b", "a"].map(
  (lane, at): ReplayItem => ({ handler: "h", lane, revision: at, at: String(at), eventId: `e${at}`, attempts: 1 }),
);
const next = (feed: Feed) => feed.next();

describe("the order of a replay's items", () => {
  it("is oldest first, one of a lane at a time, and a lane that was begun goes on first", () => {
    const feed = new Feed(items, () => false, null);
    expect([next(feed), next(feed), next(feed), next(feed)]).toEqual([0, 1, 3, undefined]);
    feed.ended(1);
    expect(next(feed)).toBe(4);
    feed.ended(0);
    expect([next(feed), next(feed)]).toEqual([2, undefined]);
    feed.putBack(2);
    expect(next(feed)).toBe(2);
    expect(feed.hasMore(2)).toBe(true);
    expect(feed.dropLane(2)).toEqual([5]);
    feed.ended(2);
    expect(next(feed)).toBeUndefined();
  });

  it("leaves out what is over, and lets the canary go alone until it is lifted", () => {
    const feed = new Feed(items, (place) => place === 0, 1);
    expect(feed.canary).toEqual(new Set(["a"]));
    expect([next(feed), next(feed)]).toEqual([2, undefined]);
    feed.ended(2);
    expect([next(feed), next(feed)]).toEqual([5, undefined]);
    feed.ended(5);
    feed.lift();
    expect([next(feed), next(feed), next(feed)]).toEqual([1, 3, undefined]);
  });

  it("takes other entities into the canary, the next ones in line, as long as there are any", () => {
    const feed = new Feed(items, () => false, 1);
    expect(next(feed)).toBe(0);
    expect(feed.dropLane(0)).toEqual([2, 5]);
    feed.ended(0);
    expect(next(feed)).toBeUndefined();
    expect(feed.widen(1)).toEqual(new Set(["b"]));
    expect([next(feed), next(feed)]).toEqual([1, undefined]);
    feed.ended(1);
    expect(next(feed)).toBe(4);
    expect(feed.widen(5)).toEqual(new Set(["c"]));
    expect(feed.widen(5)).toEqual(new Set());
    expect(feed.canary).toEqual(new Set(["a", "b", "c"]));
    expect([next(feed), next(feed)]).toEqual([3, undefined]);
  });
});

describe("stop conditions", () => {
  const outcomes = (rules: StopRules, ...failed: readonly boolean[]) => failed.map((each) => rules.add(each)).findIndex((why) => why !== null);

  it("count failures in a row, and only those", () => {
    expect(outcomes(new StopRules({ failureRatio: null, failuresInARow: 2 }, 100, { succeeded: 0, failed: 5 }), true, false, true, true)).toBe(3);
  });

  it("look at a ratio once there are ten outcomes, or all", () => {
    const half = { failureRatio: 0.5, failuresInARow: null };
    expect(outcomes(new StopRules(half, 100, { succeeded: 0, failed: 0 }), ...Array.from({ length: 12 }, () => true))).toBe(9);
    expect(outcomes(new StopRules(half, 2, { succeeded: 0, failed: 0 }), true, false)).toBe(1);
    expect(outcomes(new StopRules(half, 100, { succeeded: 9, failed: 0 }), ...Array.from({ length: 9 }, () => true))).toBe(8);
    expect(outcomes(new StopRules(null, 100, { succeeded: 0, failed: 0 }), true, true)).toBe(-1);
  });
});

describe("the difference that lifting makes", () => {
  it("is told member by member", () => {
    expect(differences({ a: 1, b: { c: [1], "d/e": 1 } }, { b: { c: [1, 2], "d/e": 1 }, f: null })).toEqual([
      { path: "/a", before: 1, after: undefined },
      { path: "/b/c", before: [1], after: [1, 2] },
      { path: "/f", before: undefined, after: null },
    ]);
    expect(differences({ "x/y": 1 }, { "x/y": 2 })).toEqual([{ path: "/x~1y", before: 1, after: 2 }]);
    expect(differences([1], [1])).toEqual([]);
    expect(differences("a", { constructor: 1 })).toEqual([{ path: "", before: "a", after: { constructor: 1 } }]);
  });
});
