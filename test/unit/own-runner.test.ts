import { expect, it } from "vitest";
import type { LoanEnd, LoanedCall } from "../../src/delivery/partition/lane-loan.ts";
import { RepriseError } from "../../src/errors.ts";
import type { StoredEvent } from "../../src/event/event.ts";
import type { ReplayItem } from "../../src/records/replay-item.ts";
import { OwnRunner, type OwnRunnerOptions } from "../../src/replay/own-runner.ts";
import { makeStoredEvent } from "../support/stored-event.ts";

/** A replay of history that has begun three items, whose lane reads their events as soon as the test says so. */
function begun(readEvent: () => Promise<StoredEvent | undefined>) {
  const read: (() => void)[] = [];
  const taken: (() => void)[] = [];
  const progress = { failed: 0, deferred: {}, dueMs: null, part: null } as never;
  const deliver = (call: LoanedCall) => {
    const { promise, resolve, reject } = Promise.withResolvers<LoanEnd>();
    read.push(() => void call.read().then(() => resolve({ kind: "completed", attempts: 1, record: {} as never }), reject));
    taken.push(() => resolve({ kind: "withdrawn", progress }));
    return promise;
  };
  const takeBack = () => {
    for (const end of taken.splice(0)) end();
  };
  const delivery = { find: () => ({}), must: () => ({ replays: { lend: () => ({ deliver, takeBack, end() {} }) } }) };
  const request = { replayId: "r", reason: null };
  const store = { storeOutcomes: async () => 1n, storeStarted: async () => 1n };
  const options = { delivery, request, suspects: new Map(), resumed: false, readEvent, nextTurn: () => null, ...store };
  const runner = new OwnRunner(options as unknown as OwnRunnerOptions);
  const run = (place: number) => runner.run(place, { handler: "mail", lane: `shop.order-${place}`, revision: 0, attempts: 0 } as unknown as ReplayItem);
  return { runner, run, ends: [0, 1, 2].map(run), readAll: () => read.map((each) => each()) };
}

it("delivers items whose lanes read their events", async () => {
  const { ends, readAll } = begun(async () => makeStoredEvent());
  readAll();
  expect((await Promise.all(ends)).map(({ outcome }) => outcome)).toEqual(["succeeded", "succeeded", "succeeded"]);
});

it("skips items whose events are not in the log any more", async () => {
  const { ends, readAll } = begun(async () => undefined);
  readAll();
  expect(await Promise.all(ends)).toEqual([0, 1, 2].map(() => ({ outcome: "skipped", reason: "event removed from the log" })));
});

it("rejects when the log cannot be read", async () => {
  const unreadable = new RepriseError("LOG_UNAVAILABLE", "planted");
  const { ends, readAll } = begun(() => Promise.reject(unreadable));
  readAll();
  expect(await Promise.allSettled(ends)).toEqual([0, 1, 2].map(() => ({ status: "rejected", reason: unreadable })));
});

it("takes back what waits, and begins nothing more once it was stopped", async () => {
  const { runner, run, ends } = begun(async () => makeStoredEvent());
  await runner.withdraw("stop");
  expect((await Promise.all([...ends, run(3)])).map(({ outcome }) => outcome)).toEqual(["withdrawn", "withdrawn", "withdrawn", "withdrawn"]);
});
