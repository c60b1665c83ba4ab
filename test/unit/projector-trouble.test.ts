import { expect, it } from "vitest";
import type { Position, StoredEvent } from "../../src/event/event.ts";
import type { SubscribeOptions, SubscriptionBatch } from "../../src/log/event-log.ts";
import { makeProjector } from "../../src/views/projector.ts";
import { makeFakeClock } from "../support/fake-clock.ts";

const at = (position: Position) => ({ position }) as StoredEvent;

it("commits what it has folded when the log fails, and goes on behind it: nothing is folded twice", async () => {
  const clock = makeFakeClock();
  const folded: Position[] = [];
  let committed = 0n;
  const store = {
    position: () => committed,
    fold(events: readonly StoredEvent[]) {
      for (const { position } of events) folded.push(position);
      return events.length;
    },
    settle: () => void (committed = folded.at(-1) ?? 0n),
    isSettled: () => committed === (folded.at(-1) ?? 0n),
  };
  const wholeLog = [1n, 2n, 3n].map(at);
  let fails = true;
  async function* subscribe({ after }: SubscribeOptions): AsyncGenerator<SubscriptionBatch, void> {
    const events = wholeLog.filter(({ position }) => position > after);
    if (!fails) return yield { events, bytes: 0, position: 3n, live: true };
    yield { events: events.slice(0, 2), bytes: 0, position: 2n, live: false };
    fails = false;
    throw new Error("the log is away");
  }
  const troubles: unknown[] = [];
  const onTrouble = (error: unknown) => troubles.push(error);
  const projector = makeProjector({ store, from: 0n, log: { subscribe }, clock, onTrouble, onMoved() {} });
  projector.start();
  await expect.poll(() => troubles).toHaveLength(1);
  expect(projector.position()).toBe(2n);
  await clock.advance(100);
  await expect.poll(() => projector.position()).toBe(3n);
  expect(folded).toEqual([1n, 2n, 3n]);
  await projector.stop();
});

it("rests after a batch of many events, and after one of few that tells much, such as a replay's", async () => {
  const batch = (position: Position, count: number, bytes: number) => ({
    events: Array.from({ length: count }, () => at(position)),
    bytes,
    position,
    live: true,
  });
  async function* subscribe(): AsyncGenerator<SubscriptionBatch, void> {
    yield batch(1n, 2, 500);
    yield batch(2n, 2, 5000);
    yield batch(3n, 40, 500);
  }
  let position = 0n;
  const store = {
    position: () => position,
    fold(events: readonly StoredEvent[]) {
      position = events.at(-1)!.position;
      return events.length;
    },
    settle() {},
    isSettled: () => true,
  };
  const rested: Position[] = [];
  const rest = async () => void rested.push(position);
  const projector = makeProjector({ store, from: 0n, log: { subscribe }, clock: makeFakeClock(), onTrouble() {}, onMoved() {}, rest });
  projector.start();
  await expect.poll(() => rested).toEqual([2n, 3n]);
  await projector.stop();
});
