import { describe, expect, it } from "vitest";
import { Pace } from "../../src/delivery/partition/pace.ts";

/** Takes turns as a dispatcher does: when the next one is due, and then `lateMs` later, as timers are. @returns times of the turns. */
function turns(pace: Pace, forMs: number, lateMs: (turn: number) => number, fromMs = 0): readonly number[] {
  const taken: number[] = [];
  for (let now = fromMs; now < fromMs + forMs; ) {
    while (pace.take(now)) taken.push(now);
    now = Math.max(now, pace.nextMs()!) + lateMs(taken.length);
  }
  return taken;
}

describe("a replay's pace", () => {
  it.each([
    ["that fire on time", 40, () => 0],
    ["that fire 4 ms late", 200, () => 4],
    ["that fire up to 30 ms late", 50, (turn: number) => turn % 30],
    ["that fire late at a high rate", 1500, () => 2],
  ] as const)("is held within 10 %% over 30 s with timers %s", (_name, perSecond, lateMs) => {
    const taken = turns(new Pace(perSecond, 0), 30_000, lateMs);
    expect(taken.length).toBeGreaterThan(30 * perSecond * 0.9);
    expect(taken.length).toBeLessThan(30 * perSecond * 1.1);
    // Also in each second, but for what a late timer makes up for.
    for (let second = 0; second < 29; second++) {
      const within = taken.filter((time) => time >= second * 1000 && time < (second + 1) * 1000).length;
      expect(within).toBeLessThanOrEqual(perSecond * 1.1 + 2);
    }
  });

  it("does not make up for a pause", () => {
    const pace = new Pace(10, 0);
    expect(turns(pace, 1000, () => 0)).toHaveLength(10);
    pace.hold(true);
    expect(pace.take(30_000)).toBe(false);
    expect(pace.nextMs()).toBeNull();
    pace.hold(false);
    expect(turns(pace, 1000, () => 0, 60_000).length).toBeLessThanOrEqual(12);
  });

  it("takes another rate at once, and none", () => {
    const pace = new Pace(1, 0);
    let told = 0;
    const off = pace.onChange(() => told++);
    expect(pace.take(0)).toBe(true);
    expect(pace.take(500)).toBe(false);
    pace.set(100, 500);
    expect(turns(pace, 1000, () => 0, 500)).toHaveLength(100);
    pace.set(null, 2000);
    expect(Array.from({ length: 50 }, () => pace.take(2000)).every(Boolean)).toBe(true);
    off();
    pace.set(1, 2000);
    expect(told).toBe(2);
  });
});
