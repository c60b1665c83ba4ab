/** A journal that another program has written into, where instances share the work: who has the partition says so, and an operator can have it repaired. */
import { setTimeout as wait } from "node:timers/promises";
import { v7 } from "uuid";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { newId } from "../../src/event/ids.ts";
import { defineConfig, defineEvent, defineHandler, openStore, type Store } from "../../src/index.ts";
import { openLog } from "../../src/log/open-log.ts";
import { ownEvent } from "../../src/records/own-event.ts";
import { until } from "../support/crash-service.ts";
import { startLogServer } from "../support/log-server.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { openWebhookReceiver } from "../support/webhook-receiver.ts";

const happened = defineEvent("thing.happened", { 1: z.object({}) });

/** One of several that share the log: a handler of four partitions, and an alert that tells when it stands still. */
async function openOneOf(log: string, instance: string, alertUrl: string): Promise<Store> {
  const handler = defineHandler({ name: "desk", partitions: 4, startFrom: "beginning", events: [happened], on: { "thing.happened": () => {} } });
  const alerts = [{ when: "handler_stopped", url: alertUrl, secret: `whsec_${Buffer.alloc(32, 1).toString("base64")}` }] as const;
  const config = defineConfig({ events: [happened], handlers: [handler], alerts: [...alerts] });
  const store = await openStore(config, { log, data: temporaryFolder(), instance, instances: "many" });
  onTestFinished(() => store.close());
  await store.start();
  return store;
}

describe("a damaged journal of one of many", { timeout: 60_000 }, () => {
  it("stops its handler where the partition is, says so for as long as it lasts, and is repaired there", async () => {
    const { url } = await startLogServer();
    const handler = defineHandler({ name: "desk", partitions: 1, startFrom: "beginning", events: [happened], on: { "thing.happened": () => {} } });
    const store = await openStore(defineConfig({ events: [happened], handlers: [handler] }), {
      log: url,
      data: temporaryFolder(),
      instance: "one",
      instances: "many",
    });
    onTestFinished(() => store.close());
    await store.start();
    const append = () => store.append([{ id: v7(), type: "thing.happened", entity: { type: "thing", id: "a" }, data: {} }]);
    const desk = async () => (await store.views.handlers())[0]!;
    await until("the partition", () => store.cluster().partitions.every(({ state }) => state === "owned"));
    await append();
    await until("the first", async () => (await desk()).byStatus.completed === 1);

    const log = await openLog(url, {});
    onTestFinished(() => log.close());
    await log.append("reprise.journal-desk-1-0", [{ ...ownEvent(newId, "note.taken", {}), source: "notes" }], "any");
    await append();
    await until("the fault", async () => (await desk()).state === "stopped");
    for (let looks = 0; looks < 25; looks++) {
      expect(await desk()).toMatchObject({ state: "stopped", fault: expect.stringContaining("JOURNAL_DAMAGED") });
      expect(store.notReady()).toContain("JOURNAL_DAMAGED");
      await wait(100); // over a claim that is tried again
    }
    await store.repairHandler("desk", { reason: "a script wrote there" });
    await until("the second", async () => (await desk()).byStatus.completed === 2);
    expect(await desk()).toMatchObject({ state: "running", fault: null });
  });

  it("is told by each of them, fires its alert once and resolves it once, and is repaired through any of them", async () => {
    const { url } = await startLogServer();
    const receiver = await openWebhookReceiver();
    const told = () => receiver.received.map(({ event }) => (event.data as { readonly status: string }).status);
    const one = await openOneOf(url, "one", receiver.url);
    const two = await openOneOf(url, "two", receiver.url);
    const owned = (store: Store) => store.cluster().partitions.filter(({ owner, state }) => state === "owned" && owner === store.cluster().instance);
    await until("a share for each", () => owned(one).length === 2 && owned(two).length === 2);
    const { partition, owner } = owned(two)[0]!;

    const log = await openLog(url, {});
    onTestFinished(() => log.close());
    await log.append(`reprise.journal-desk-4-${partition}`, [{ ...ownEvent(newId, "note.taken", {}), source: "notes" }], "any");
    await one.append(
      Array.from({ length: 40 }, (_, n) => ({ id: v7(), type: "thing.happened", entity: { type: "thing", id: `e${n}` }, data: {} })), // all partitions write
    );
    await until("the alert", () => told().length === 1);
    const three = await openOneOf(url, "three", receiver.url); // it knows nothing of what the others have seen
    expect(two.cluster().partitions[partition]).toMatchObject({ owner, state: "stopped", epoch: null, fault: expect.stringContaining("JOURNAL_DAMAGED") });
    const shows = async (store: Store) => {
      const [desk] = await store.views.handlers();
      return desk!.state === "stopped" && desk!.fault!.includes("JOURNAL_DAMAGED") && store.cluster().partitions[partition]!.state === "stopped";
    };
    for (const store of [one, two, three]) await until("each to say so", () => shows(store));
    for (let looks = 0; looks < 30; looks++) {
      expect(told()).toEqual(["fired"]); // also while the partition moves
      await wait(100); // over a look of each instance's alerts
    }
    for (const store of [one, two, three]) await until("each to say so, though the partition may have moved", () => shows(store));
    expect([one, two, three].filter((store) => store.notReady()?.includes("JOURNAL_DAMAGED"))).toHaveLength(1);

    expect(await one.repairHandler("desk", { reason: "a script wrote there" })).toMatchObject({ skipped: 1 });
    await until("all to run", async () => {
      for (const store of [one, two, three]) if ((await store.views.handlers())[0]!.state !== "running") return false;
      return true;
    });
    await until("the end to be told", () => told().length === 2);
    expect(told()).toEqual(["fired", "resolved"]);
    await until("all events", async () => (await three.views.handlers())[0]!.byStatus.completed === 40);
    await expect(three.repairHandler("desk", { reason: "again" })).rejects.toMatchObject({ code: expect.stringMatching(/NOTHING_TO_REPAIR|NOT_OWNER/) });
  });
});
