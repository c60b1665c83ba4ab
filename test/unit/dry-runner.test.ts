import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import type { LoanEnd, LoanedCall } from "../../src/delivery/partition/lane-loan.ts";
import type { StoredEvent } from "../../src/event/event.ts";
import type { ReplayItem } from "../../src/records/replay-item.ts";
import { type DryRunnerOptions, makeDryRunner } from "../../src/replay/dry-runner.ts";
import { makeStoredEvent } from "../support/stored-event.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** A dry run that has begun 256 items of a handler that declares `dryRun`; each reads its event once its lane may run it. */
function begun(readEvent: (reads: number) => StoredEvent | undefined) {
  const turns: (() => Promise<void>)[] = [];
  let reads = 0;
  const deliver = (call: LoanedCall) => {
    const { promise, resolve, reject } = Promise.withResolvers<LoanEnd>();
    turns.push(() => call.read().then(() => resolve({ kind: "completed", attempts: 1, record: {} as never }), reject));
    return promise;
  };
  const spec = { definition: { kind: "function", dryRun: true } };
  const delivery = { find: () => ({ spec }), must: () => ({ replays: { lend: () => ({ deliver, takeBack() {}, end() {} }) } }) };
  const options = {
    ...{ catalog: { current: () => ({ ok: true, dropped: null }) }, delivery, request: { replayId: "r", reason: null }, amended: false },
    ...{ readEvent: async () => readEvent(++reads), storeOutcomes: async () => 1n },
  };
  const runner = makeDryRunner(options as unknown as DryRunnerOptions);
  const item = (place: number) => ({ handler: "mail", lane: `shop.order-${place}`, revision: 0, attempts: 0 }) as unknown as ReplayItem;
  return { ends: Array.from({ length: 256 }, (_, place) => runner.run(place, item(place))), turns };
}

it("holds no event of an item that waits for a slot", async () => {
  const read: WeakRef<StoredEvent>[] = [];
  const { ends, turns } = begun(() => {
    const event = makeStoredEvent();
    read.push(new WeakRef(event));
    return event;
  });
  await expect.poll(() => turns.length).toBe(256);
  await expect.poll(() => (collect(), read.filter((event) => event.deref() !== undefined).length)).toBe(0);
  await Promise.all(turns.map((turn) => turn()));
  expect((await Promise.all(ends)).every(({ outcome }) => outcome === "succeeded")).toBe(true);
});

it("skips an item whose event left the log while it waited", async () => {
  const { ends, turns } = begun((reads) => (reads <= 256 ? makeStoredEvent() : undefined));
  await expect.poll(() => turns.length).toBe(256);
  await Promise.all(turns.map((turn) => turn()));
  expect(await ends[0]).toEqual({ outcome: "skipped", reason: "event removed from the log" });
});
