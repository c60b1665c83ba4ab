import { expect, it } from "vitest";
import { z } from "zod";
import { defineEvent, defineUpcasters, part, split } from "../../src/catalog/define.ts";
import { defineMigration } from "../../src/catalog/migration.ts";
import { defineConfig } from "../../src/config/config.ts";
import { defineHandler } from "../../src/delivery/handler.ts";
import { startLogServer } from "../support/log-server.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { handlerShows, startStore } from "../support/test-store.ts";

const line = defineEvent("line.added", { 1: z.object({ sku: z.string(), count: z.int() }) });
const order = defineEvent("order.imported", {
  1: z.object({ skus: z.array(z.string()), counts: z.array(z.int()) }),
  2: z.never(),
});
const upcasters = [
  defineUpcasters(
    order,
    { 1: ({ skus, counts }) => split(...skus.map((sku, index) => part(line, { sku, count: counts[index]! }, { version: 1 }))) },
    { into: [line] },
  ),
];
const positive = defineMigration({ name: "positive", event: order, version: 1, migrate: ({ skus, counts }) => ({ skus, counts: counts.map(Math.abs) }) });
const imported = (id: string, counts: readonly number[]) => ({
  type: "order.imported",
  schemaVersion: 1,
  entity: { type: "order", id },
  data: { skus: ["a", "b"], counts },
});

it("amendments of a part, migrations, pauses and effects work on a log server, over a restart", { timeout: 60_000 }, async () => {
  const place = { log: (await startLogServer()).url, data: temporaryFolder() };
  const booked: string[] = [];
  const effects: string[] = [];
  const config = defineConfig({
    events: [line, order],
    upcasters,
    migrations: [positive],
    handlers: [
      defineHandler({
        ...{ name: "stock", events: [line], retry: { maxAttempts: 1 } },
        on: {
          "line.added": async ({ entity, data: { sku, count } }, { effect }) => {
            await effect("reserve", () => effects.push(`${entity.id} ${sku}`));
            if (count < 0) throw new Error("nothing to book");
            booked.push(`${entity.id} ${sku} ${count}`);
          },
        },
      }),
    ],
  });
  let store = await startStore(config, place);
  const [first, second] = await store.append([imported("o1", [1, -2]), imported("o2", [-3, -4])]);
  await handlerShows(store, place, "stock", { byStatus: { dead_lettered: 2 } });
  const { entry } = await store.amend(first!.id, { data: { skus: ["a", "b"], counts: [10, 20] }, reason: "sign lost" });
  expect(entry).toMatchObject({ part: 1, eventType: "line.added", data: { sku: "b", count: 20 }, stored: { data: { counts: [1, -2] } } });
  await store.pauseEntity({ type: "order", id: "o2" }, { reason: "look first" });
  await store.close();

  store = await startStore(config, place);
  await handlerShows(store, place, "stock", { byStatus: { dead_lettered: 2 }, lanes: { paused: 1, blocked: 1 } });
  expect(await store.views.findDeadLetters("default", first!.id)).toMatchObject([
    { part: 1, data: { sku: "b", count: 20 }, amendment: { reason: "sign lost" } },
  ]);
  expect((await store.replay(first!.id)).status).toBe("replayed"); // the part that was done stays done
  await expect(store.replay(second!.id, { migration: "positive" })).rejects.toMatchObject({ code: "LANE_PAUSED" });
  await store.resumeEntity({ type: "order", id: "o2" });
  expect((await store.replay(second!.id, { migration: "positive" })).status).toBe("replayed");
  expect(booked).toEqual(["o1 a 1", "o1 b 20", "o2 a 3", "o2 b 4"]);
  expect(new Set(effects)).toEqual(new Set(["o1 a", "o1 b", "o2 a", "o2 b"]));
  expect(effects).toHaveLength(4);
  await handlerShows(store, place, "stock", { waiting: 0, byStatus: { replayed: 2 } });
  expect((await store.views.event("default", second!.id))!.deliveries).toMatchObject([
    { status: "replayed", amendments: [{ migration: "positive" }], effects: [{ key: "reserve", part: 0 }, { key: "reserve", part: 1 }] }, // biome-ignore format: one line
  ]);
});
