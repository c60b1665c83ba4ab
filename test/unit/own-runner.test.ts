import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, it } from "vitest";
import type { LoanEnd } from "../../src/delivery/partition/lane-loan.ts";
import type { ReplayItem } from "../../src/records/replay-item.ts";
import { OwnRunner, type OwnRunnerOptions } from "../../src/replay/own-runner.ts";
import { makeStoredEvent } from "../support/stored-event.ts";

/** A replay of history that has begun 256 items, of which none gets a slot until the test says so. */
function begun(bytes: number, fails = false) {
  let read = 0;
  const open: ((end: LoanEnd) => void)[] = [];
  const deliver = () => new Promise<LoanEnd>((resolve) => open.push(resolve));
  const progress = { failed: 0, deferred: {}, dueMs: null, part: null } as never;
  const takeBack = () => {
    for (const end of open.splice(0)) end({ kind: "withdrawn", progress });
  };
  const delivery = { find: () => ({}), must: () => ({ replays: { lend: () => ({ deliver, takeBack, end() {} }) } }) };
  const options = {
    ...{ delivery, request: { replayId: "r", reason: null }, suspects: new Map(), resumed: false },
    storeOutcomes: async () => 1n,
    storeStarted: async () => 1n,
    readEvent: async ({ revision }: ReplayItem) => {
      read++;
      await nextTurn();
      if (fails) throw new Error("the log cannot be read");
      return makeStoredEvent({ id: `e${revision}`, data: { text: "x".repeat(bytes) }, stream: "shop.order-1", revision, position: 1n });
    },
  };
  const runner = new OwnRunner(options as unknown as OwnRunnerOptions);
  const item = (place: number) => ({ handler: "mail", lane: `shop.order-${place}`, revision: 0, attempts: 0 }) as unknown as ReplayItem;
  const ends = Array.from({ length: 256 }, (_, place) => runner.run(place, item(place)));
  const settled = async () => {
    for (let before = -1; before !== read; ) {
      before = read;
      for (let turn = 0; turn < 5; turn++) await nextTurn();
    }
  };
  return { runner, open, ends, settled, read: () => read };
}

const done: LoanEnd = { kind: "completed", attempts: 1, record: {} as never };

it("holds 16 MiB of events that wait for slots, or a little more, and delivers all", async () => {
  const { open, ends, settled, read } = begun(900_000);
  await settled();
  expect(read() * 900_000).toBeGreaterThan(16 * 1024 * 1024);
  expect(read() * 900_000).toBeLessThan(32 * 1024 * 1024);
  for (let end = open.shift(); end !== undefined; end = open.shift()) {
    end(done);
    await settled();
  }
  expect(new Set((await Promise.all(ends)).map(({ outcome }) => outcome))).toEqual(new Set(["succeeded"]));
  expect(read()).toBe(256);
});

it("has all small events that a replay may have under way", async () => {
  const { settled, read } = begun(1000);
  await settled();
  expect(read()).toBe(256);
});

it("takes back those that wait for room, and lets nobody wait for what could not be read", async () => {
  const { runner, ends, settled } = begun(900_000);
  await settled();
  await runner.withdraw("stop");
  expect(new Set((await Promise.all(ends)).map(({ outcome }) => outcome))).toEqual(new Set(["withdrawn"]));
  const unreadable = await Promise.allSettled(begun(1000, true).ends);
  expect(new Set(unreadable.map(({ status }) => status))).toEqual(new Set(["rejected"]));
});
