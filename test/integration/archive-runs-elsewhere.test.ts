/** A run that archives is followed through any instance, and after a restart of the service that made it. */
import { v7 } from "uuid";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { systemClock } from "../../src/event/clock.ts";
import { newId } from "../../src/event/ids.ts";
import { retentionStream } from "../../src/event/names.ts";
import { defineConfig, defineEvent, openStore, type Store } from "../../src/index.ts";
import { openLog } from "../../src/log/open-log.ts";
import { ownEvent } from "../../src/records/own-event.ts";
import { until } from "../support/crash-service.ts";
import { startLogServer } from "../support/log-server.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const placed = defineEvent("order.placed", { 1: z.object({}) });
const dayMs = 86_400_000;
const archive = () => `file:${temporaryFolder()}`;
const time = { days: 0 };
const clock = { ...systemClock, now: () => Date.now() + time.days * dayMs };

async function open(log: string, url: string, instance?: string): Promise<Store> {
  const config = defineConfig({ events: [placed], retention: { order: { afterDays: 1, archive: url } } });
  const among = instance === undefined ? {} : ({ instance, instances: "many", data: temporaryFolder() } as const);
  const store = await openStore(config, { log, clock, ...among });
  onTestFinished(() => store.close());
  await store.start();
  return store;
}

/** Two events of each, which are old by then. */
async function append(store: Store, orders: number): Promise<void> {
  await store.append(
    Array.from({ length: 2 * orders }, (_, n) => ({ id: v7(), type: "order.placed", entity: { type: "order", id: `o${n % orders}` }, data: {} })),
  );
  time.days += 10;
}

const whatWent = { state: "completed", why: null, archived: 6, removed: 6, segments: 1, rules: [{ entityType: "order", events: 6, entities: 3, held: null }] };

describe("a run of another process", { timeout: 60_000 }, () => {
  it("is told as the log has it: after a restart, and where it was cut off", async () => {
    const [log, url] = [`sqlite:${temporaryFolder()}`, archive()];
    const first = await open(log, url);
    await append(first, 3);
    const { id } = await first.beginArchiveRun();
    await until("the end", async () => (await first.archiveRun(id))!.state === "completed");
    await first.close();
    const cut = v7();
    const opened = await openLog(log, {});
    await opened.append(retentionStream, [ownEvent(newId, "retention.begun", { runId: cut, life: "gone", actor: "local", reason: null, rules: [] })], "any");
    await opened.close();

    const again = await open(log, url);
    expect(await again.archiveRun(id)).toMatchObject({ id, dryRun: false, ...whatWent });
    expect(await again.archiveRun(cut)).toMatchObject({ state: "stopped", why: expect.stringContaining("process is gone"), archived: 0 });
    expect(await again.archiveRun(v7())).toBeNull();
    const next = await again.beginArchiveRun();
    await until("the next one's end", async () => (await again.archiveRun(next.id))!.state !== "running");
    expect(await again.archiveRun(cut)).toMatchObject({ state: "stopped", why: "another run has taken over" });
  });

  it("is told by each of several instances, while it runs and afterwards", async () => {
    const { url: log } = await startLogServer();
    const url = archive();
    const [one, two] = [await open(log, url, "one"), await open(log, url, "two")];
    await append(one, 3);
    await until("both to take part", () => two.cluster().members.length === 2);
    const { id } = await one.beginArchiveRun();
    await until("the end, as the other one sees it", async () => (await two.archiveRun(id))?.state === "completed");
    expect(await two.archiveRun(id)).toMatchObject({ id, ...whatWent });
    const second = await two.beginArchiveRun();
    await until("the end of the other one's", async () => (await one.archiveRun(second.id))?.state === "completed");
  });
});
