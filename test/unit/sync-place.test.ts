import { expect, it } from "vitest";
import { SyncPlace } from "../../src/log/sqlite/sync-place.ts";

/** Of so many groups, whose commits take so long where they are synced on this thread: how many were. */
function onThread(place: SyncPlace, groups: number, commitMs: (group: number) => number): number {
  let now = 0;
  for (let group = 0; group < groups; group++) {
    if (place.next() === "later") continue;
    now++;
    place.took(commitMs(group));
  }
  return now;
}

it("is this thread while the disk is quick, also when a checkpoint is slow now and then", () => {
  expect(onThread(new SyncPlace(1), 1000, (group) => (group % 40 === 39 ? 500 : 0.4))).toBe(1000);
});

it("moves to another thread soon after the disk became slow, and back after it became quick", () => {
  const place = new SyncPlace(1);
  onThread(place, 100, () => 0.4);
  expect(onThread(place, 64 + 16, () => 20)).toBeLessThanOrEqual(16);
  expect(onThread(place, 6400, () => 20)).toBe(100);
  onThread(place, 64 * 16, () => 0.4);
  expect(onThread(place, 100, () => 0.4)).toBe(100);
});
