import { expect, it, onTestFinished } from "vitest";
import { OwnBeats } from "../../src/delivery/ownership/cluster/own-beats.ts";
import { SelfFence } from "../../src/delivery/ownership/rules/self-fence.ts";
import { pause } from "../../src/event/waits.ts";
import { makeFakeClock } from "../support/fake-clock.ts";

/** The signs of life of one process on a log that answers after so long, and whether that process takes itself for alive, half a second by half a second. */
async function livesOn(answer: (nowMs: number) => number | "lost", ms: number) {
  const clock = makeFakeClock();
  const leaving = new AbortController();
  onTestFinished(() => leaving.abort());
  const fence = new SelfFence(0);
  let stored = 0;
  let underWay = 0;
  let most = 0;
  const beat = async () => {
    const takesMs = answer(clock.monotonicMs());
    most = Math.max(most, ++underWay);
    await pause(takesMs === "lost" ? 10_000 : takesMs, clock);
    underWay--;
    if (takesMs === "lost") throw new Error("No answer.");
    return stored++;
  };
  const onAcknowledged = (sentMs: number) => fence.acknowledged(sentMs, clock.monotonicMs());
  void new OwnBeats({
    beats: { beat, last: async () => stored, heard: async () => ({ number: stored, says: {} }) },
    clock,
    life: "a",
    says: () => ({}),
    onAcknowledged,
    signal: leaving.signal,
  }).run();
  const closed: number[] = [];
  while (clock.monotonicMs() < ms) {
    await clock.advance(500);
    fence.judge(clock.monotonicMs());
    if (fence.isClosed(clock.monotonicMs())) closed.push(clock.monotonicMs());
  }
  return { closed, most };
}

it("keep a process alive whose log takes six seconds for each, and one that loses every other one", async () => {
  expect((await livesOn(() => 6000, 120_000)).closed).toEqual([]);
  let n = 0;
  expect((await livesOn(() => (n++ % 2 === 0 ? "lost" : 100), 120_000)).closed).toEqual([]);
});

it("keep nobody alive on a log that takes none, and do not heap up there", async () => {
  const { closed, most } = await livesOn((nowMs) => (nowMs < 30_000 ? 10 : "lost"), 120_000);
  expect(closed[0]).toBeLessThanOrEqual(40_500);
  expect(closed.at(-1)).toBe(120_000);
  expect(most).toBeLessThanOrEqual(4);
});
