/** A reader that asks for completions is told each of them once, in order, over lives of the service, and from whatever place it comes back. */
import { expect, it } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { defineConfig } from "../../src/config/config.ts";
import { defineHandler, skip, Terminal } from "../../src/delivery/handler.ts";
import type { Store } from "../../src/store/store.ts";
import { everything, type Followed, followFrom, idOf, textAfterId } from "../support/followed.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { logHead, startStore } from "../support/test-store.ts";

const placed = defineEvent("order.placed", { 1: z.object({ n: z.int() }) });
const noted = defineEvent("note.made", { 1: z.object({ n: z.int() }) });
const tried = (n: number, attempt: number) => {
  if (n % 11 === 0) throw new Terminal("never");
  if (n % 5 === 0 && attempt === 1) throw new Error("not yet");
  return n % 13 === 0 ? skip("not ours") : undefined;
};
const retry = { maxAttempts: 3, initialDelayMs: 10, jitter: "none" } as const;
const on = { "order.placed": (event: { data: { n: number } }, { attempt }: { attempt: number }) => tried(event.data.n, attempt) };
const strict = defineHandler({ name: "strict", events: [placed], startFrom: "beginning", concurrency: 8, retry, on });
const relaxed = defineHandler({ name: "relaxed", events: [placed], startFrom: "beginning", ordering: "relaxed", retry, on });
const notes = { "note.made": () => {} };
const wider = defineHandler({ name: "strict", events: [placed, noted], startFrom: "beginning", concurrency: 8, retry, on: { ...on, ...notes } });
const late = defineHandler({ name: "late", events: [noted], startFrom: "beginning", on: notes });
const divided = defineHandler({ name: "divided", events: [placed], startFrom: "beginning", partitions: 3, retry, on });

const first = defineConfig({ events: [placed, noted], handlers: [strict, relaxed, divided] });
const second = defineConfig({ events: [placed, noted], handlers: [wider, relaxed, late, divided] });

async function fill(store: Store, from: number, to: number): Promise<void> {
  for (let n = from; n < to; n++) {
    const tenant = n % 4 === 0 ? "other" : "default";
    await store.append({ type: n % 3 === 0 ? "note.made" : "order.placed", entity: { type: "order", id: `o${n % 7}` }, data: { n } }, { tenant });
  }
}

/** Nothing waits but dead letters, and those that they hold; then `mark` is delivered, which the reader is told behind all before it. */
async function settle(store: Store, folder: string, reader: Followed, mark: string): Promise<void> {
  const isMoving = async () => {
    await store.views.waitFor(logHead(folder), 20_000);
    return (await store.views.handlers()).some(({ lanes }) => lanes.backing_off > 0 || lanes.behind > 0);
  };
  await expect.poll(isMoving, { interval: 50 }).toBe(false);
  await store.append({ type: "order.placed", entity: { type: "order", id: mark }, data: { n: 1 } });
  const done = ["divided", "relaxed", "strict"].map((handler) => `default order/${mark} 0 ${handler} completed`);
  await expect.poll(() => reader.told.map(textAfterId).filter((text) => done.includes(text)).sort()).toEqual(done); // biome-ignore format: one line
}

/** By the views: `<tenant> <entity> <revision> <handler> completed` of each such delivery. */
async function completedByViews(store: Store): Promise<readonly string[]> {
  const { events } = await store.views.events({ tenant: "*" }, { limit: 1000 });
  const each = await Promise.all(events.map(async (event) => ({ event, deliveries: await store.views.deliveriesOf(event.tenant, event.id) })));
  return each.flatMap(({ event: { tenant, entity, revision }, deliveries }) =>
    deliveries.filter(({ status }) => status === "completed").map(({ handler }) => `${tenant} ${entity.type}/${entity.id} ${revision} ${handler} completed`),
  );
}

it("tells each completed delivery once, as the views have it, and goes on at each of its ids", { timeout: 60_000 }, async () => {
  const folder = temporaryFolder();
  let store = await startStore(first, folder);
  const reader = await followFrom(store, "0");
  await fill(store, 1, 60);
  await settle(store, folder, reader, "mark1");
  const { events: letters } = await store.views.deadLetters({ tenant: "*" }, { limit: 100 });
  for (const { deliveryId, tenant } of letters) await store.discard(deliveryId, { tenant, reason: "not needed" });
  await store.pauseEntity({ type: "order", id: "o1" });
  await fill(store, 60, 90);
  await settle(store, folder, reader, "mark2");
  reader.stop();
  await store.close(); // which leaves snapshots in the journals
  const told = [...reader.told];

  store = await startStore(second, folder);
  const again = await followFrom(store, idOf(told.at(-1)!));
  await store.resumeEntity({ type: "order", id: "o1" });
  await fill(store, 90, 130);
  await settle(store, folder, again, "mark3");
  told.push(...again.told);

  const completed = told.map(textAfterId).filter((text) => text.endsWith(" completed"));
  expect(new Set(completed).size).toBe(completed.length);
  expect(new Set(completed)).toEqual(new Set(await completedByViews(store)));
  expect(completed.length).toBeGreaterThan(100);

  const whole = await followFrom(store, "0");
  await expect.poll(() => whole.told.length).toBe(told.length);
  expect(whole.told).toEqual(told);
  for (let index = 0; index < told.length - 1; index += 41) {
    const rest = await followFrom(store, idOf(told[index]!));
    await expect.poll(() => rest.told.length, { interval: 5 }).toBe(told.length - index - 1);
    expect(rest.told).toEqual(told.slice(index + 1));
    rest.stop();
  }

  // Who comes back and asks for less is not kept from what was still to come.
  const partly = told.findIndex((each) => /^\d+\.\d+ .* completed$/.test(each));
  const troubles = await followFrom(store, idOf(told[partly]!), { ...everything, events: false, statuses: new Set(["dead_lettered"]) });
  const later = told.slice(partly + 1).filter((each) => each.endsWith("dead_lettered"));
  await expect.poll(() => troubles.told.length).toBe(later.length);
  expect(troubles.told.map(textAfterId)).toEqual(later.map(textAfterId));
  const ofOne = await followFrom(store, "0", {
    tenant: "other",
    entityType: "order",
    entityId: "o4",
    eventType: "note.made",
    events: false,
    statuses: new Set(["completed"]),
  });
  const notesOfOne = completed.filter(
    (text) => text.startsWith("other order/o4") && told.some((each) => textAfterId(each) === `${text.split(" ").slice(0, 3).join(" ")} note.made`),
  );
  await expect.poll(() => ofOne.told.length).toBe(notesOfOne.length);
  expect(ofOne.told.map(textAfterId)).toEqual(notesOfOne);
});
