import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineEvent, defineUpcasters } from "../../src/catalog/define.ts";
import { type Config, defineConfig } from "../../src/config/config.ts";
import { defineHandler } from "../../src/delivery/handler.ts";
import type { Store } from "../../src/store/store.ts";
import { startLogServer } from "../support/log-server.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { handlerShows, logRows, type Place, startStore } from "../support/test-store.ts";

const schemas = { 1: z.object({ total: z.number() }), 2: z.object({ totalCents: z.int() }) };
const oldPlaced = defineEvent("order.placed", { 1: schemas[1] });
const newPlaced = defineEvent("order.placed", schemas);
const steps = { 1: ({ total }: { total: number }) => ({ totalCents: Math.round(total * 100) }) };
const newSteps = defineUpcasters(newPlaced, steps);
const writingOld = defineEvent("order.placed", schemas, { downcast: { version: 1, data: ({ totalCents }) => ({ total: totalCents / 100 }) } });
const writingOldSteps = defineUpcasters(writingOld, steps);

const entities = ["a", "b", "c"];

/** Both builds with the same handler, which tells which build was called with what. */
function makeBuilds() {
  const seen: string[] = [];
  const told = (build: string) => (event: { readonly entity: { readonly id: string }; readonly revision: number; readonly schemaVersion: number }) =>
    void seen.push(`${build} ${event.entity.id}@${event.revision} v${event.schemaVersion}`);
  const common = { name: "ledger", startFrom: "beginning" } as const;
  const old = (handlers = true): Config =>
    defineConfig({ events: [oldPlaced], handlers: handlers ? [defineHandler({ ...common, events: [oldPlaced], on: { "order.placed": told("old") } })] : [] });
  const now = (handlers = true): Config =>
    defineConfig({
      events: [newPlaced],
      upcasters: [newSteps],
      handlers: handlers ? [defineHandler({ ...common, events: [newPlaced], on: { "order.placed": told("new") } })] : [],
    });
  return { seen, old, now };
}

const appendAll = async (store: Store, schemaVersion: 1 | 2) => {
  for (const id of entities)
    await store.append({ type: "order.placed", schemaVersion, entity: { type: "order", id }, data: schemaVersion === 1 ? { total: 1 } : { totalCents: 100 } });
};

/** Each event once, in order per entity, by whichever build. */
function expectOnce(seen: readonly string[], perEntity: number): void {
  for (const id of entities)
    expect(seen.filter((each) => each.split(" ")[1]!.startsWith(`${id}@`)).map((each) => Number(/@(\d+)/.exec(each)![1]))).toEqual(
      Array.from({ length: perEntity }, (_, revision) => revision),
    );
}

async function expectNoDeadLetter(place: Place): Promise<void> {
  expect((await logRows(place)).filter(({ type }) => type === "delivery.dead_lettered")).toEqual([]);
}

describe("an old build and a new one on one log server", { timeout: 60_000 }, () => {
  const places = async () => {
    const { url } = await startLogServer();
    return { old: { log: url, data: temporaryFolder() }, now: { log: url, data: temporaryFolder() } };
  };

  it("the old one delivers while the new one produces: what it does not know waits, and the new one goes on there", async () => {
    const place = await places();
    const { seen, old, now } = makeBuilds();
    const oldStore = await startStore(old(), place.old);
    await appendAll(oldStore, 1);
    const producer = await startStore(now(false), place.now);
    await appendAll(producer, 2);
    await appendAll(oldStore, 1); // known to the old build, and behind what is not
    await handlerShows(oldStore, place.old, "ledger", { done: 3, waiting: 6, lanes: { blocked: 3 }, byStatus: { dead_lettered: 0, held: 6 } });
    await oldStore.close();
    await producer.close();

    const newStore = await startStore(now(), place.now);
    await handlerShows(newStore, place.now, "ledger", { done: 9, waiting: 0, lanes: { blocked: 0 } });
    expectOnce(seen, 3);
    expect(seen.filter((each) => each.startsWith("old"))).toHaveLength(3);
    await expectNoDeadLetter(place.now);
  });

  it("the new one first, then back to the old one, then forward again", async () => {
    const place = await places();
    const { seen, old, now } = makeBuilds();
    const first = await startStore(now(), place.now);
    await appendAll(first, 2);
    await handlerShows(first, place.now, "ledger", { done: 3, waiting: 0 });
    await first.close();

    const back = await startStore(old(), place.old);
    await appendAll(back, 1);
    const producer = await startStore(now(false), place.now);
    await appendAll(producer, 2);
    await producer.close();
    await handlerShows(back, place.old, "ledger", { done: 6, waiting: 3, lanes: { blocked: 3 }, byStatus: { dead_lettered: 0 } });
    await back.close();

    const again = await startStore(now(), place.now);
    await handlerShows(again, place.now, "ledger", { done: 9, waiting: 0 });
    expectOnce(seen, 3);
    expect(seen.map((each) => each.split(" ")[0])).toEqual([...Array(3).fill("new"), ...Array(3).fill("old"), ...Array(3).fill("new")]);
    await expectNoDeadLetter(place.now);
  });

  it("the new one takes over from a running old one, which stands still from then on", async () => {
    const place = await places();
    const { seen, old, now } = makeBuilds();
    const oldStore = await startStore(old(), place.old);
    await appendAll(oldStore, 1);
    await handlerShows(oldStore, place.old, "ledger", { done: 3, waiting: 0 });
    const newStore = await startStore(now(), place.now);
    await appendAll(newStore, 2);
    await appendAll(oldStore, 1);
    await handlerShows(newStore, place.now, "ledger", { done: 9, waiting: 0 });
    await expect.poll(() => oldStore.notReady(), { timeout: 25_000 }).toContain("FENCED");
    // What the old one had called and not recorded before it was fenced may come again (P5); here it had recorded all.
    expectOnce(seen, 3);
    await expectNoDeadLetter(place.now);
  });

  it("a new one that renames without a downcast: what the old one passed over is skipped on record, the rest is delivered", async () => {
    const place = await places();
    const { seen, old } = makeBuilds();
    const renamed = defineEvent("order.ordered", { 1: schemas[1] }, { formerly: ["order.placed"] });
    const oldStore = await startStore(old(), place.old);
    await appendAll(oldStore, 1);
    const producer = await startStore(defineConfig({ events: [renamed] }), place.now);
    for (const id of ["a", "b"]) await producer.append({ type: "order.ordered", entity: { type: "order", id }, data: { total: 2 } });
    await producer.append({ type: "order.placed", entity: { type: "order", id: "a" }, data: { total: 3 } });
    await handlerShows(oldStore, place.old, "ledger", { done: 4, waiting: 0 });
    await oldStore.close();
    await producer.append({ type: "order.ordered", entity: { type: "order", id: "c" }, data: { total: 4 } });
    await producer.close();

    const handler = defineHandler({
      name: "ledger",
      events: [renamed],
      on: { "order.ordered": ({ entity, revision }) => void seen.push(`new ${entity.id}@${revision} v1`) },
    });
    const newStore = await startStore(defineConfig({ events: [renamed], handlers: [handler] }), place.now);
    await handlerShows(newStore, place.now, "ledger", { wanted: 7, done: 7, waiting: 0, byStatus: { skipped: 2, completed: 5 } });
    expect(seen.filter((each) => each.startsWith("new"))).toEqual(["new c@1 v1"]);
    const skipped = (await logRows(place.now)).filter(({ type }) => type === "delivery.settled").map(({ data }) => data);
    expect(skipped).toMatchObject([
      { lane: "default.order-a", revision: 1, outcome: "skipped", act: { reason: expect.stringContaining("order.ordered") } },
      { lane: "default.order-b", revision: 1, outcome: "skipped" },
    ]);
  });

  it("a new build that writes the old version blocks nobody", async () => {
    const place = await places();
    const { seen, old } = makeBuilds();
    const oldStore = await startStore(old(), place.old);
    const producer = await startStore(defineConfig({ events: [writingOld], upcasters: [writingOldSteps] }), place.now);
    await appendAll(producer, 2);
    await handlerShows(oldStore, place.old, "ledger", { done: 3, waiting: 0 });
    expect(seen).toHaveLength(3);
    const { events } = await producer.readEntity({ type: "order", id: "a" });
    expect(events).toMatchObject([{ schemaVersion: 2, data: { totalCents: 100 }, stored: { schemaVersion: 1, data: { total: 1 } } }]);
  });
});
