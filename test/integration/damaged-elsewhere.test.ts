/** A journal that another program has written into, where instances share the work: who has the partition says so, and an operator can have it repaired. */
import { setTimeout as wait } from "node:timers/promises";
import { v7 } from "uuid";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { newId } from "../../src/event/ids.ts";
import { defineConfig, defineEvent, defineHandler, openStore } from "../../src/index.ts";
import { openLog } from "../../src/log/open-log.ts";
import { ownEvent } from "../../src/records/own-event.ts";
import { until } from "../support/crash-service.ts";
import { startLogServer } from "../support/log-server.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const happened = defineEvent("thing.happened", { 1: z.object({}) });

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
});
