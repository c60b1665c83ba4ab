/** A config that is rolled out over several instances: what only the new one has is no news to be acted on at the old one. */
import { v7 } from "uuid";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { defineConfig, defineEvent, defineHandler, openStore, type Store } from "../../src/index.ts";
import { until } from "../support/crash-service.ts";
import { startLogServer } from "../support/log-server.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const happened = defineEvent("thing.happened", { 1: z.object({}) });
const handlerNamed = (name: string) => defineHandler({ name, partitions: 2, startFrom: "beginning", events: [happened], on: { "thing.happened": () => {} } });

async function open(log: string, instance: string, handlers: readonly string[]): Promise<Store> {
  const config = defineConfig({ events: [happened], handlers: handlers.map(handlerNamed) });
  const store = await openStore(config, { log, data: temporaryFolder(), instance, instances: "many" });
  onTestFinished(() => store.close());
  await store.start();
  return store;
}

describe("instances with different handlers", { timeout: 60_000 }, () => {
  it("each say of a handler that others have that it runs there, and none retires it as long as one has it", async () => {
    const { url } = await startLogServer();
    const old = await open(url, "old", ["desk"]);
    const now = await open(url, "now", ["desk", "mail"]);
    const parts = (handler: string) => old.cluster().partitions.filter((each) => each.handler === handler);
    await until("both handlers to be at work", () =>
      ["desk", "mail"].every((name) => parts(name).length === 2 && parts(name).every(({ state }) => state === "owned")),
    );
    await old.append([{ id: v7(), type: "thing.happened", entity: { type: "thing", id: "a" }, data: {} }]);
    const mailAt = async (store: Store) => (await store.views.handlers()).find(({ name }) => name === "mail");
    for (const store of [old, now]) await until("the event", async () => (await mailAt(store))?.byStatus.completed === 1);
    for (const store of [old, now]) expect(await mailAt(store)).toMatchObject({ state: "running", fault: null });
    const retiring = old.retireHandler("mail", { reason: "the config here has none" });
    await expect(retiring).rejects.toMatchObject({ code: "HANDLER_PRESENT", message: expect.stringContaining("instance now.") });

    await now.close();
    await until("the old one to be alone", () => old.cluster().members.length === 1);
    expect(await mailAt(old)).toMatchObject({ state: "absent" });
    expect(await old.retireHandler("mail", { reason: "it is gone for good" })).toMatchObject({ discarded: 0 });
  });
});
