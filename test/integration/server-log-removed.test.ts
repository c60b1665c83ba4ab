/** Entities whose events another program takes away on the server while they wait: on record as a hole, at once, and the entity goes on. */
import { EventStoreDBClient } from "@eventstore/db-client";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { defineConfig, defineEvent, defineHandler } from "../../src/index.ts";
import { serverLogs } from "../support/server-logs.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { handlerShows, startStore } from "../support/test-store.ts";

const placed = defineEvent("order.placed", { 1: z.object({ n: z.number() }) });
const gone = { type: "order", id: "gone" };
const beside = { type: "order", id: "beside" };

/** What another program does, and whether the stream can be written again. */
const removals: readonly (readonly [what: string, remove: (client: EventStoreDBClient, stream: string) => Promise<unknown>, again: boolean])[] = [
  ["deleted", (client, stream) => client.deleteStream(stream), true],
  ["deleted for good", (client, stream) => client.tombstoneStream(stream), false],
  ["truncated to its end and beyond", (client, stream) => client.setStreamMetadata(stream, { truncateBefore: 100 }), true],
  ["expired", (client, stream) => client.setStreamMetadata(stream, { maxAge: 1 }), false], // what comes next expires, too
];

for (const [title, openLog] of serverLogs)
  describe(`an entity that waits, on ${title}`, () => {
    for (const [what, remove, again] of removals)
      it.each([
        ["", false],
        ["over a restart", true],
      ])(`and is ${what} is skipped on record and goes on %s`, { timeout: 60_000 }, async (_, restarts) => {
        const place = { ...(await openLog()), data: temporaryFolder() };
        const client = EventStoreDBClient.connectionString(place.log);
        onTestFinished(() => client.dispose());
        const seen: string[] = [];
        const ledger = defineHandler({
          name: "ledger",
          events: [placed],
          startFrom: "beginning",
          on: { "order.placed": async ({ entity, data }) => void seen.push(`${entity.id} ${data.n}`) },
        });
        const config = defineConfig({ events: [placed], handlers: [ledger] });
        const append = (entity: typeof gone, n: number) => store.append({ type: "order.placed", entity, data: { n } });
        let store = await startStore(config, place);
        await append(gone, 0);
        await expect.poll(() => seen, { timeout: 20_000 }).toEqual(["gone 0"]);
        await store.pauseEntity(gone, { reason: "a look at it" });
        for (const n of [1, 2, 3]) await append(gone, n);
        await append(beside, 0);
        await handlerShows(store, place, "ledger", { waiting: 3, byStatus: { completed: 2 } });

        if (restarts) await store.close();
        await remove(client, `${place.namespace}default.order-gone`);
        if (what === "expired") await expect.poll(() => isEmpty(client, `${place.namespace}default.order-gone`), { timeout: 25_000 }).toBe(true);
        if (restarts) store = await startStore(config, place);
        await store.resumeEntity(gone, { reason: "seen" });
        await handlerShows(store, place, "ledger", { waiting: 0, byStatus: { completed: 2, skipped: 3 }, lanes: { flowing: 2, behind: 0 } }, 15_000);
        if (again) {
          await append(gone, 4);
          await expect.poll(() => seen, { timeout: 25_000 }).toContain("gone 4");
        } else if (what === "deleted for good") await expect(append(gone, 4)).rejects.toThrow(/deleted this stream for good/);
        await append(beside, 1);
        await expect.poll(() => seen.filter((one) => one.startsWith("beside")), { timeout: 25_000 }).toEqual(["beside 0", "beside 1"]);
        expect(seen.filter((one) => one.startsWith("gone"))).toEqual(again ? ["gone 0", "gone 4"] : ["gone 0"]);
      });
  });

async function isEmpty(client: EventStoreDBClient, stream: string): Promise<boolean> {
  let empty = true;
  for await (const _ of client.readStream(stream, { maxCount: 10 })) empty = false; // to its end: a client that left a read does not end
  return empty;
}

it("a handler whose journal was deleted stands still, and begins nothing anew", { timeout: 60_000 }, async () => {
  const place = { ...(await serverLogs.at(-1)![1]()), data: temporaryFolder() };
  const client = EventStoreDBClient.connectionString(place.log);
  onTestFinished(() => client.dispose());
  const seen: string[] = [];
  const ledger = defineHandler({
    name: "ledger",
    events: [placed],
    startFrom: "beginning",
    on: { "order.placed": async ({ data }) => void seen.push(String(data.n)) },
  });
  const config = defineConfig({ events: [placed], handlers: [ledger] });
  const before = await startStore(config, place);
  await before.append({ type: "order.placed", entity: beside, data: { n: 0 } });
  await expect.poll(() => seen, { timeout: 20_000 }).toEqual(["0"]);
  await before.close();
  await client.deleteStream(`${place.namespace}reprise.journal-ledger-1-0`);
  const after = await startStore(config, place);
  await expect.poll(() => after.notReady(), { timeout: 20_000 }).toMatch(/handler ledger stands still: .*JOURNAL_DAMAGED/);
  await after.append({ type: "order.placed", entity: beside, data: { n: 1 } });
  expect(seen).toEqual(["0"]);
});
