import { describe, expect, it } from "vitest";
import { Standstill } from "../../src/cli/standstill.ts";
import type { ReplayReply } from "../../src/http/wire/replays-replies.ts";

const running = {
  ...{ replay_id: "r1", status: "running", total: 9, succeeded: 1, failed: 0, skipped: 0, remaining: 8, followers: 0 },
  ...{ rate_per_second: null, canary: null },
} as unknown as ReplayReply;

/** What is told in so many seconds of a replay that stays as it is, with the second of each. */
function toldIn(seconds: number, replay: ReplayReply, standstill = new Standstill(500)): readonly (readonly [number, string])[] {
  standstill.look(replay);
  return Array.from({ length: seconds * 2 }, (_, look) => [(look + 1) / 2, standstill.look(replay)] as const).flatMap(([at, text]) =>
    text === null ? [] : [[at, text] as const],
  );
}

describe("a replay that does not get on", () => {
  it("is told once, with where to look and how to end it", () => {
    const told = toldIn(600, running);
    expect(told.map(([at]) => at)).toEqual([30]);
    expect(told[0]![1]).toContain("reprise status");
    expect(told[0]![1]).toContain("reprise replay cancel r1");
  });

  it("is told anew after it went on", () => {
    const standstill = new Standstill(500);
    expect(toldIn(60, running, standstill)).toHaveLength(1);
    expect(toldIn(29, { ...running, succeeded: 2, remaining: 7 }, standstill)).toEqual([]);
    expect(toldIn(30, { ...running, succeeded: 3, remaining: 6 }, standstill)).toHaveLength(1);
  });

  it("is no such thing while what its letters held still follows", () => {
    const standstill = new Standstill(500);
    const told = Array.from({ length: 200 }, (_, second) => toldIn(1, { ...running, remaining: 0, releases_left: 500 - second }, standstill));
    expect(told.flat()).toEqual([]);
  });

  it.each([
    ["a slow rate", { rate_per_second: 1 / 60 }, 90],
    ["a canary that is watched", { canary: { entities: 1, hold_seconds: 120 } }, 150],
  ])("waits as %s was meant to", (_what, terms, at) => {
    expect(toldIn(600, { ...running, ...terms }).map(([second]) => second)).toEqual([at]);
  });
});
