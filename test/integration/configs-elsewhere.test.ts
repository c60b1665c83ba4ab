/** A config that is rolled out over several instances: what only the new one has is no news to be acted on at the old one. */
import { v7 } from "uuid";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { defineConfig, defineEvent, defineHandler, openStore, type Store } from "../../src/index.ts";
import { toSelection } from "../../src/replay/selection.ts";
import { until } from "../support/crash-service.ts";
import { startLogServer } from "../support/log-server.ts";
import { runTerms } from "../support/replay-scene.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const happened = defineEvent("thing.happened", { 1: z.object({}) });
const added = defineEvent("thing.added", { 1: z.object({}) });
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

  it("of which only the new one takes a type skip on record what the old one passed over, and a replay of history delivers it", async () => {
    const { url } = await startLogServer();
    const delivered: string[] = [];
    const open = async (instance: string, isNew: boolean) => {
      const common = { name: "desk", partitions: 2, startFrom: "beginning" } as const;
      const on = { "thing.happened": () => {} };
      const onAdded = ({ entity }: { readonly entity: { readonly id: string } }) => void delivered.push(entity.id);
      const handler = isNew
        ? defineHandler({ ...common, events: [happened, added], on: { ...on, "thing.added": onAdded } })
        : defineHandler({ ...common, events: [happened], on });
      const config = defineConfig({ events: isNew ? [happened, added] : [happened], handlers: [handler] });
      const store = await openStore(config, { log: url, data: temporaryFolder(), instance, instances: "many" });
      onTestFinished(() => store.close());
      await store.start();
      return store;
    };
    const isAllAt = (store: Store, names: readonly string[]) => {
      const { partitions } = store.cluster();
      const owners = new Set(partitions.map(({ owner }) => owner?.split(".")[0]));
      return (
        partitions.length === 2 && partitions.every(({ state }) => state === "owned") && owners.size === names.length && names.every((name) => owners.has(name))
      );
    };
    const old = await open("old", false);
    await until("the old one", () => isAllAt(old, ["old"]));
    const entities = Array.from({ length: 20 }, (_, n) => `e${n}`);
    const append = (store: Store, type: "thing.happened" | "thing.added") =>
      store.append(entities.map((id) => ({ id: v7(), type, entity: { type: "thing", id }, data: {} })));
    await append(old, "thing.happened");
    const now = await open("now", true);
    await until("a share for each", () => isAllAt(now, ["now", "old"]));
    await append(now, "thing.added");
    await append(now, "thing.happened");
    const desk = async () => (await now.views.handlers())[0]!;
    await until("what each takes", async () => (await desk()).waiting === 0 && delivered.length > 0);
    const atOnce = delivered.length;
    expect(atOnce).toBeLessThan(20);
    await old.close();
    await until("the new one alone", () => isAllAt(now, ["now"]));
    await until("the rest on record", async () => (await desk()).byStatus.skipped === 20 - atOnce);
    expect(await desk()).toMatchObject({ waiting: 0, byStatus: { completed: 40 + atOnce } });

    const { planId } = await now.planReplay(toSelection({ history: { handler: "desk", types: ["thing.added"] } }));
    await now.startReplay(planId, { reason: "the old build passed over them", terms: { ...runTerms } });
    await until("each of them", () => new Set(delivered).size === 20);
  });
});
