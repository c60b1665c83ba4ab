/** Events of other programs that no build can decode, in streams of entities: their lane stands still and shows it, and there is a way out. */
import { EventStoreDBClient, jsonEvent } from "@eventstore/db-client";
import { expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { makeCensus } from "../../src/catalog/census.ts";
import { defineConfig, defineEvent, defineHandler } from "../../src/index.ts";
import { serverLogs } from "../support/server-logs.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { eachEvent, handlerShows, startStore } from "../support/test-store.ts";

const placed = defineEvent("order.placed", { 1: z.object({ n: z.number() }) });
const order = (id: string) => ({ type: "order", id });

it.each(serverLogs.flatMap(([title, open]) => [["3"], [0], [1.5], [null]].map(([version]) => ({ title, open, version, lifts: version === null }))))(
  "a wanted event with schemaVersion $version, on $title",
  { timeout: 60_000 },
  async ({ open, version, lifts }) => {
    const place = { ...(await open()), data: temporaryFolder() };
    const client = EventStoreDBClient.connectionString(place.log);
    onTestFinished(() => client.dispose());
    const seen: string[] = [];
    const on = { "order.placed": async ({ entity, data }: { entity: { id: string }; data: { n: number } }) => void seen.push(`${entity.id} ${data.n}`) };
    const config = defineConfig({ events: [placed], handlers: [defineHandler({ name: "ledger", events: [placed], startFrom: "beginning", on })] });
    const store = await startStore(config, place);
    const append = (id: string, n: number) => store.append({ type: "order.placed", entity: order(id), data: { n } });
    await append("strange", 0);
    await append("other", 0);
    const stream = `${place.namespace}default.order-strange`;
    await client.appendToStream(stream, jsonEvent({ type: "order.placed", data: { n: 1 }, metadata: { schemaVersion: version } as never }));
    await client.appendToStream(stream, jsonEvent({ type: "not.wanted", data: {}, metadata: { schemaVersion: version } as never }));
    await append("strange", 2);
    await append("other", 1);
    await expect.poll(() => seen.filter((one) => one.startsWith("other")), { timeout: 20_000 }).toEqual(["other 0", "other 1"]);
    if (lifts) {
      await expect.poll(() => seen.filter((one) => one.startsWith("strange")), { timeout: 20_000 }).toEqual(["strange 0", "strange 1", "strange 2"]);
      return;
    }
    await handlerShows(store, place, "ledger", { waiting: 2, byStatus: { completed: 3 }, lanes: { blocked: 1, flowing: 1 } });
    expect(seen.filter((one) => one.startsWith("strange"))).toEqual(["strange 0"]);
    const [lane] = (await store.views.entity("default", order("strange")))!.handlers;
    const place1 = /position \d+ \(default\.order-strange, revision 1\): its schemaVersion is no whole number from 1/;
    expect(lane).toMatchObject({ laneState: "blocked", waiting: 2, why: expect.stringMatching(place1) });
    expect(store.warnings().filter((warning) => warning.includes("LOG_DAMAGED"))).toEqual([expect.stringMatching(place1)]);
    const { events } = await store.readEntity(order("strange"));
    expect(events.map(({ dataError }) => dataError === null)).toEqual([true, false, false, true]);

    const census = makeCensus(store.catalog);
    await eachEvent(place, (event) => census.add(event));
    expect(census.report().rows).toMatchObject([
      { storedType: "not.wanted", count: 1, failed: 1 },
      { storedType: "order.placed", count: 5, lifted: 4, failed: 1, firstError: { type: "LogDamaged", message: expect.stringMatching(place1) } },
    ]);

    // The way out: what cannot be read is taken away on the server, and the next start looks again.
    await store.close();
    await client.setStreamMetadata(stream, { truncateBefore: 2 });
    const again = await startStore(config, place);
    await handlerShows(again, place, "ledger", { waiting: 0, byStatus: { completed: 4, skipped: 1 }, lanes: { blocked: 0, flowing: 2 } }, 15_000);
    expect(seen.filter((one) => one.startsWith("strange"))).toEqual(["strange 0", "strange 2"]);
    expect(again.warnings().filter((warning) => warning.includes("LOG_DAMAGED"))).toEqual([]);
  },
);
