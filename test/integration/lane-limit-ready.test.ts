import { expect, it } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { defineConfig } from "../../src/config/config.ts";
import { defineHandler } from "../../src/delivery/handler.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { startStore } from "../support/test-store.ts";

const placed = defineEvent("order.placed", { 1: z.object({}) });

it("is not ready while a handler has reached its limit of lanes and reads no further, and is ready again once some of them flow", async () => {
  const agents = defineHandler({
    name: "agents",
    events: [placed],
    retry: { maxAttempts: 1 },
    on: {
      "order.placed": () => {
        throw new Error("no");
      },
    },
  });
  const store = await startStore(defineConfig({ events: [placed], handlers: [agents], limits: { recordedLanes: 3 } }), temporaryFolder());
  expect(store.notReady()).toBeNull();
  const letters = async () => (await store.views.deadLetterStats({ tenant: "default" })).total;
  for (let order = 0; order < 5; order++) {
    await store.append({ type: "order.placed", entity: { type: "order", id: String(order) }, data: {} });
    // What is read together is delivered together, so each of the three comes by itself.
    if (order < 3) await expect.poll(letters).toBe(order + 1);
  }
  await expect.poll(() => store.notReady()).toBe("handler agents: 3 lanes are blocked or behind, its limit: it reads no further until some flow again");
  await expect.poll(letters).toBe(3);
  await store.discardBatch({ handler: "agents" }, { reason: "not needed" });
  await expect.poll(letters).toBe(2);
  await expect.poll(() => store.notReady()).toBeNull();
});
