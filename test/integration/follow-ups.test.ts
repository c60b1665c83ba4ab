/** `context.append` in a whole store: replays of all kinds, dry runs, and handlers that follow one another. */
import { expect, it } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { defineConfig } from "../../src/config/config.ts";
import { defineHandler } from "../../src/delivery/handler.ts";
import { toSelection } from "../../src/replay/selection.ts";
import type { Store } from "../../src/store/store.ts";
import { runTerms } from "../support/replay-scene.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { handlerShows, startStore } from "../support/test-store.ts";

const placed = defineEvent("order.placed", { 1: z.object({}) });
const packed = defineEvent("order.packed", { 1: z.object({ n: z.int() }) });
const shipped = defineEvent("order.shipped", { 1: z.object({}) });
const order = { type: "order", id: "1" };

function desk() {
  const state = { down: true, n: 0 };
  const packing = defineHandler({
    ...{ name: "packing", events: [placed], startFrom: "beginning", retry: { maxAttempts: 2, initialDelayMs: 10, maxDelayMs: 10 }, dryRun: true },
    on: {
      "order.placed": async (event, context) => {
        await context.append(packed, event.entity, { n: ++state.n }, { key: "pack" });
        if (state.down) throw new Error("down");
      },
    },
  });
  const shipping = defineHandler({
    ...{ name: "shipping", events: [packed], startFrom: "beginning" },
    on: { "order.packed": (event, context) => void context.append(shipped, event.entity, {}) }, // not awaited
  });
  return { state, config: defineConfig({ events: [placed, packed, shipped], handlers: [packing, shipping] }) };
}

async function types(store: Store): Promise<readonly string[]> {
  const { events } = await store.readEntity(order);
  return events.map(({ type, callChain }) => [type, ...(callChain ?? [])].join(" "));
}

it("an event of a failing delivery stands, is appended once over its retries and its replay, and its followers follow it", async () => {
  const folder = temporaryFolder();
  const { state, config } = desk();
  const store = await startStore(config, folder);
  const [{ id }] = await store.append(placed, order, {}, { source: "shop" });
  await handlerShows(store, folder, "packing", { byStatus: { dead_lettered: 1 } });
  await handlerShows(store, folder, "shipping", { wanted: 1, done: 1 });
  state.down = false;
  expect(await store.replay(id)).toMatchObject({ status: "replayed" });
  await handlerShows(store, folder, "packing", { wanted: 1, done: 1 });
  expect(await types(store)).toEqual(["order.placed", "order.packed shop packing", "order.shipped shop packing shipping"]);
  expect(state.n).toBe(3);
});

it("a replay of history appends nothing again, unless it has effects done again; a dry run tells and stores nothing", async () => {
  const folder = temporaryFolder();
  const { state, config } = desk();
  state.down = false;
  const store = await startStore(config, folder);
  await store.append(placed, order, {});
  await handlerShows(store, folder, "shipping", { wanted: 1, done: 1 });
  const run = async (terms: Partial<typeof runTerms>) => {
    const plan = await store.planReplay(toSelection({ history: { handler: "packing" } }));
    const { replayId } = await store.startReplay(plan.planId, { reason: "to see", terms: { ...runTerms, ...terms } });
    await expect.poll(() => store.replayState(replayId), { timeout: 20_000 }).toMatchObject({ status: "completed", succeeded: 1, failed: 0 });
    const { items } = await store.replayReport(replayId, { limit: 10 });
    return items[0]!.appends;
  };
  const before = await types(store);
  expect(before).toHaveLength(3);
  expect(await run({ mode: "dry_run" })).toEqual([{ type: "order.packed", entity: order, key: "pack", recorded: true }]);
  expect(await run({})).toEqual([]);
  expect(await types(store)).toEqual(before);
  expect(await run({ mode: "dry_run", effects: "again" })).toEqual([{ type: "order.packed", entity: order, key: "pack", recorded: false }]);
  expect(await types(store)).toEqual(before);
  await run({ effects: "again" });
  await handlerShows(store, folder, "shipping", { wanted: 2, done: 2 });
  expect((await types(store)).filter((type) => type.startsWith("order.packed"))).toHaveLength(2);
});
