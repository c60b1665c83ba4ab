/** How long a replay takes yet, where no rate says so. */
import { expect, it } from "vitest";
import { JobTally } from "../../src/replay/job-figures.ts";

it("is reckoned by what went since all items may go: neither what went before counts, nor a canary, nor the time of a pause", () => {
  let nowMs = 0;
  const tally = new JobTally(100, new Map([[0, "succeeded"]]), { monotonicMs: () => nowMs });
  const goWell = (count: number) => Array.from({ length: count }, () => tally.count({ outcome: "succeeded", position: 1n }));
  tally.measureIn({ kind: "running", stage: "canary" });
  goWell(1);
  nowMs = 10_000;
  expect(tally.secondsLeft(null, 0)).toBe(null);
  tally.measureIn({ kind: "running", stage: "all" });
  nowMs = 11_000;
  expect(tally.secondsLeft(null, 0)).toBe(null);
  goWell(8);
  expect(tally.secondsLeft(null, 0)).toBe(12);
  expect(tally.secondsLeft(45, 0)).toBe(2);
  tally.measureIn({ kind: "paused", stage: "all" });
  nowMs = 3_600_000;
  tally.measureIn({ kind: "running", stage: "all" });
  goWell(10);
  nowMs = 3_601_000;
  expect(tally.secondsLeft(null, 0)).toBe(8);
});
