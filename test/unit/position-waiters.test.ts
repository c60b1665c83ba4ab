import { expect, it } from "vitest";
import { makePositionWaiters } from "../../src/views/position-waiters.ts";

it("says how many wait for a position, and tells when the first one begins to", async () => {
  let position = 5n;
  let told = 0;
  const waiters = makePositionWaiters(
    () => position,
    () => told++,
  );
  const waiting = () => [told, waiters.waiting[0]];
  await waiters.until(5n).reached;
  expect(waiting()).toEqual([0, 0]);
  const first = waiters.until(6n);
  const second = waiters.until(8n);
  expect(waiting()).toEqual([1, 2]);
  position = 6n;
  waiters.moved(position);
  await first.reached;
  expect(waiting()).toEqual([1, 1]);
  second.cancel(new Error("late"));
  await expect(second.reached).rejects.toThrow("late");
  expect(waiting()).toEqual([1, 0]);
  const third = waiters.until(9n);
  expect(waiting()).toEqual([2, 1]);
  waiters.end(new Error("closed"));
  await expect(third.reached).rejects.toThrow("closed");
  expect(waiting()).toEqual([2, 0]);
});
