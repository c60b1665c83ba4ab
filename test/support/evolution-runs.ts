/** One log with every kind of schema change in it, read by today's build on every path, over any log. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { makeCensus } from "../../src/catalog/census.ts";
import { defineEvent, defineUpcasters, drop, part, split } from "../../src/catalog/define.ts";
import { makeLogCheck } from "../../src/catalog/log-check.ts";
import { type Config, defineConfig } from "../../src/config/config.ts";
import { defineHandler, Terminal, webhookHandler } from "../../src/delivery/handler.ts";
import type { HandlerContext } from "../../src/delivery/handler-context.ts";
import type { CurrentEvent, Json } from "../../src/event/event.ts";
import { partId } from "../../src/event/ids.ts";
import { toSelection } from "../../src/replay/selection.ts";
import type { EventInput } from "../../src/store/append/event-input.ts";
import type { Store } from "../../src/store/store.ts";
import { countDeliveries } from "./history-checker.ts";
import { eachEvent, handlerShows, logRows, type Place, startStore } from "./test-store.ts";
import { openWebhookReceiver } from "./webhook-receiver.ts";

const placedSchemas = {
  1: z.object({ total: z.number() }),
  2: z.object({ totalCents: z.int() }),
  3: z.object({ totalCents: z.int(), currency: z.string() }),
  4: z.object({ amount: z.object({ cents: z.int(), currency: z.string() }) }),
  5: z.object({ amount: z.object({ cents: z.int(), currency: z.string() }), placedAt: z.string() }),
};
const placedSteps = {
  1: ({ total }: { total: number }) => ({ totalCents: Math.round(total * 100) }),
  2: (data: { totalCents: number }) => ({ ...data, currency: "EUR" }),
  3: ({ totalCents, currency }: { totalCents: number; currency: string }) => ({ amount: { cents: totalCents, currency } }),
};

// As the log was written: by builds that came before.
const oldPlaced = defineEvent("order.placed", { 1: placedSchemas[1], 2: placedSchemas[2], 3: placedSchemas[3], 4: placedSchemas[4] });
const payed = defineEvent("order.payed", { 1: z.object({ cents: z.int() }) });
const sent = defineEvent("order.sent", { 1: z.object({ carrier: z.string() }) });
const oldFulfilled = defineEvent("order.fulfilled", { 1: z.object({ cents: z.int(), carrier: z.string() }) });
const oldTouched = defineEvent("cart.touched", { 1: z.object({ by: z.string() }) });
const oldConfig = (handlers: Config["handlers"] = []): Config =>
  defineConfig({ events: [oldPlaced, payed, sent, oldFulfilled, oldTouched], upcasters: [defineUpcasters(oldPlaced, placedSteps)], handlers });

// Today.
const placed = defineEvent("order.placed", placedSchemas);
const paid = defineEvent("order.paid", { 1: payed.schemas[1], 2: z.object({ cents: z.int(), method: z.string() }) }, { formerly: ["order.payed"] });
const shipped = defineEvent("order.shipped", { 1: sent.schemas[1] }, { formerly: ["order.sent"] });
const fulfilled = defineEvent("order.fulfilled", { 1: oldFulfilled.schemas[1], 2: z.never() });
const touched = defineEvent("cart.touched", { 1: oldTouched.schemas[1], 2: z.never() });
const gone = "carts are not tracked any more";
const events = [placed, paid, shipped, fulfilled, touched];
const upcasters = [
  defineUpcasters(placed, { ...placedSteps, 4: (data, { occurredAt }) => ({ ...data, placedAt: occurredAt ?? "unknown" }) }),
  defineUpcasters(paid, { 1: (data) => ({ ...data, method: "card" }) }),
  defineUpcasters(
    fulfilled,
    { 1: ({ cents, carrier }) => split(part(paid, { cents }, { version: 1 }), part(shipped, { carrier }, { version: 1 })) },
    { into: [paid, shipped] },
  ),
  defineUpcasters(touched, { 1: () => drop(gone) }),
];

const order = (id: string): EventInput["entity"] => ({ type: "order", id });
const at = "2026-01-01T00:00:00Z";
const write = (id: string): readonly EventInput[] => [
  { type: "order.placed", schemaVersion: 1, entity: order(id), data: { total: 12.5, note: "as sent" }, occurredAt: at },
  { type: "order.placed", schemaVersion: 2, entity: order(id), data: { totalCents: 2 }, occurredAt: at },
  { type: "order.placed", schemaVersion: 3, entity: order(id), data: { totalCents: 3, currency: "CHF" }, occurredAt: at },
  { type: "order.placed", schemaVersion: 4, entity: order(id), data: { amount: { cents: 4, currency: "EUR" } }, occurredAt: at },
  { type: "order.payed", entity: order(id), data: { cents: 5 } },
  { type: "order.sent", entity: order(id), data: { carrier: "post" } },
  { type: "order.fulfilled", entity: order(id), data: { cents: 7, carrier: "rail" } },
  { type: "cart.touched", entity: order(id), data: { by: "somebody" } },
];
const newest: (id: string) => EventInput = (id) => ({ type: "order.placed", entity: order(id), data: { amount: { cents: 9, currency: "EUR" }, placedAt: at } });

/** What an event is, whoever reads it. */
interface Seen {
  readonly type: string;
  readonly schemaVersion: number;
  readonly data: unknown;
}
const placedAs = (cents: number, currency = "EUR"): Seen => ({
  type: "order.placed",
  schemaVersion: 5,
  data: { amount: { cents, currency }, placedAt: at },
});
const paidAs = (cents: number): Seen => ({ type: "order.paid", schemaVersion: 2, data: { cents, method: "card" } });
const shippedAs = (carrier: string): Seen => ({ type: "order.shipped", schemaVersion: 1, data: { carrier } });
/** By revision: what each stored event is today. */
const today: readonly (readonly Seen[])[] = [
  [placedAs(1250)],
  [placedAs(2)],
  [placedAs(3, "CHF")],
  [placedAs(4)],
  [paidAs(5)],
  [shippedAs("post")],
  [paidAs(7), shippedAs("rail")],
  [],
  [placedAs(9)],
];
const stored = [...write("a"), newest("a")].map(({ type, schemaVersion = type === "order.placed" ? 5 : 1, data }) => ({ type, schemaVersion, data }));

const seenOf = ({ type, schemaVersion, data }: Pick<CurrentEvent, "type" | "schemaVersion" | "data">): Seen => ({ type, schemaVersion, data });
/** A view's answer: one event, its parts, or none. */
const shownOf = (view: {
  readonly type: string;
  readonly schemaVersion: number;
  readonly data: Json;
  readonly parts: readonly Seen[] | null;
  readonly dropped: string | null;
}): readonly Seen[] => (view.dropped !== null ? [] : (view.parts?.map(seenOf) ?? [seenOf(view)]));

/** Writes the log as it grew: by old builds, then by today's. */
async function openWritten(place: Place): Promise<void> {
  const before = await startStore(oldConfig(), place);
  await before.append(write("a"));
  await before.close();
  const now = await startStore(defineConfig({ events, upcasters }), place);
  await now.append(newest("a"));
  await now.close();
}

function taking(name: string, handle: (event: CurrentEvent, context: HandlerContext) => void, retry = { maxAttempts: 3, initialDelayMs: 1 }) {
  return defineHandler({
    name,
    events: [placed, paid, shipped],
    startFrom: "beginning",
    retry,
    on: { "order.placed": handle, "order.paid": handle, "order.shipped": handle },
  });
}

const everything = { wanted: 9, done: 9, waiting: 0 };

/** @param makePlace an empty log for one test. */
export function describeEvolution(kind: string, makePlace: () => Promise<Place> | Place): void {
  describe(`every kind of schema change, ${kind}`, { timeout: 60_000 }, () => {
    it("gives the same payloads on every path: delivery, webhook, retry, dead letter, replay, reads, views, census", async () => {
      const place = await makePlace();
      await openWritten(place);
      const receiver = await openWebhookReceiver();
      const delivered: Seen[] = [];
      const retried: Seen[] = [];
      const replayed: Seen[] = [];
      const failed = new Set<string>();
      const handlers = [
        taking("delivery", (event) => void delivered.push(seenOf(event))),
        taking("retry", (event) => {
          if (!failed.has(event.id)) {
            failed.add(event.id);
            throw new Error("not at the first call");
          }
          retried.push(seenOf(event));
        }),
        taking("replay", (event, { replay }) => {
          if (replay === null) throw new Terminal("only when replayed");
          replayed.push(seenOf(event));
        }),
        webhookHandler({ name: "webhook", url: receiver.url, events: ["order.placed", "order.paid", "order.shipped"], startFrom: "beginning" }),
      ];
      const store = await startStore(defineConfig({ events, upcasters, handlers }), place);
      const all = today.flat();
      for (const name of ["delivery", "retry", "webhook"]) await handlerShows(store, place, name, { ...everything, wanted: 8, done: 8 });
      expect(delivered).toEqual(all);
      expect(retried).toEqual(all);
      expect(receiver.received.map(({ event }) => ({ type: event.type, schemaVersion: event.schemaversion, data: event.data }))).toEqual(all);

      // Strict: each dead letter holds the rest. List and detail show what its replay will deliver.
      const listed: Seen[] = [];
      for (let left = all.length; left > 0; left--) {
        await handlerShows(store, place, "replay", { byStatus: { dead_lettered: 1 } });
        const { events: letters } = await store.views.deadLetters({ tenant: "default", handler: "replay" }, { limit: 5 });
        const [letter] = letters;
        const [detail] = await store.views.findDeadLetters("default", letter!.deliveryId);
        expect(seenOf({ ...letter!, type: letter!.eventType })).toEqual(seenOf({ ...detail!, type: detail!.eventType }));
        if (letter!.parts !== null) expect(letter!.parts.map(seenOf)).toEqual(today[letter!.revision]);
        listed.push(seenOf({ ...letter!, type: letter!.eventType }));
        const steps = detail!.steps.at(-1);
        if (letter!.storedSchemaVersion < 5 && letter!.eventType === "order.placed") expect(steps!.data).toEqual(letter!.data);
        const result = await store.replay(letter!.id, { handler: "replay", reason: "one by one" });
        expect(result).toMatchObject({ status: "replayed" });
        await store.views.waitFor(result.position); // the next look must not see this letter
        if (letter!.part !== 0) continue;
        left--; // both parts of the split in one delivery
        listed.push(seenOf(letter!.parts![1]!));
      }
      await handlerShows(store, place, "replay", { ...everything, wanted: 8, done: 8 });
      expect(listed).toEqual(all);
      expect(replayed).toEqual(all);

      await readsShow(store);
      await countsShow(store, place);
      // Nothing that is stored was touched.
      const rows = (await logRows(place)).filter(({ stream }) => stream === "default.order-a");
      expect(rows.map(({ type, data }) => ({ type, data }))).toEqual(stored.map(({ type, data }) => ({ type, data })));
    });

    it("gives them to plans, dry runs and replays of history, too", async () => {
      const place = await makePlace();
      await openWritten(place);
      const seen: Record<string, Seen[]> = { live: [], dry_run: [], run: [] };
      const handler = defineHandler({
        ...{ name: "again", startFrom: "beginning", dryRun: true },
        on: Object.fromEntries(
          [placed, paid, shipped].map(({ type }) => [
            type,
            (event: CurrentEvent, { replay }: HandlerContext) => void seen[replay?.mode ?? "live"]!.push(seenOf(event)),
          ]),
        ),
      });
      const store = await startStore(defineConfig({ events, upcasters, handlers: [handler] }), place);
      await handlerShows(store, place, "again", { wanted: 8, done: 8 });
      const terms = { ratePerSecond: null, effects: "once", canary: null, stopWhen: null } as const;
      for (const mode of ["dry_run", "run"] as const) {
        const plan = await store.planReplay(toSelection({ history: { handler: "again" } }));
        expect(plan).toMatchObject({ deliveries: 8, invalidTotal: 0, ineligible: [] });
        for (const sample of plan.samples) {
          const revision = stored.findIndex(({ data }) => isDeepStrictEqual(data, sample.stored.data));
          expect(sample.parts?.map(seenOf) ?? [seenOf(sample.current!)]).toEqual(today[revision]);
        }
        const { replayId } = await store.startReplay(plan.planId, { reason: "to see the same", terms: { ...terms, mode } });
        await expect.poll(() => store.replayState(replayId), { timeout: 20_000 }).toMatchObject({ status: "completed", succeeded: 8, failed: 0 });
      }
      expect(seen).toEqual({ live: today.flat(), dry_run: today.flat(), run: today.flat() });
    });

    it("reaches handlers that want a renamed or a split type, from where they stood under the old names", async () => {
      const place = await makePlace();
      const before: Seen[] = [];
      const old = defineHandler({
        name: "money",
        events: [payed, oldFulfilled],
        on: { "order.payed": (event) => void before.push(seenOf(event)), "order.fulfilled": (event) => void before.push(seenOf(event)) },
      });
      const first = await startStore(oldConfig([old]), place);
      await first.append(write("a"));
      await handlerShows(first, place, "money", { wanted: 2, done: 2 });
      await first.close();
      // What comes while the handler does not run is the backlog that the renamed one has to take over.
      const producer = await startStore(oldConfig(), place);
      await producer.append(write("b"));
      await producer.append([{ type: "order.fulfilled", entity: order("a"), data: { cents: 70, carrier: "air" } }]);
      await producer.close();

      const after: (Seen & { readonly origin: CurrentEvent["origin"] })[] = [];
      const money = defineHandler({
        name: "money",
        events: [paid],
        on: { "order.paid": (event) => void after.push({ ...seenOf(event), origin: event.origin }) },
      });
      const parcels: Seen[] = [];
      const post = defineHandler({
        name: "post",
        events: [shipped],
        startFrom: "beginning",
        on: { "order.shipped": (event) => void parcels.push(seenOf(event)) },
      });
      const now = await startStore(defineConfig({ events, upcasters, handlers: [money, post] }), place);
      await now.append([{ type: "order.paid", entity: order("a"), data: { cents: 71, method: "cash" } }]);
      await handlerShows(now, place, "money", { wanted: 6, done: 6, waiting: 0 });
      await handlerShows(now, place, "post", { wanted: 5, done: 5, waiting: 0 });
      expect(before).toHaveLength(2);
      const cents = after.map(({ data }) => (data as { cents: number }).cents);
      expect([...cents].sort()).toEqual([5, 7, 70, 71]);
      expect(cents.filter((each) => each > 50)).toEqual([70, 71]);
      expect(after.find(({ data }) => (data as { cents: number }).cents === 70)?.origin).toMatchObject({ part: 0, of: 2 });
      expect(new Set(parcels.map(({ data }) => (data as { carrier: string }).carrier))).toEqual(new Set(["post", "rail", "air"]));
      expect(parcels).toHaveLength(5);
    });

    it("delivers the parts of a split one after another, and calls none again that is done", async () => {
      const place = await makePlace();
      await openWritten(place);
      const calls: string[] = [];
      let isDown = true;
      const handler = taking(
        "parts",
        (event, { attempt, deliveryId }) => {
          if (event.origin === null) return;
          calls.push(
            `${event.type} ${event.origin.part} of ${event.origin.of} #${attempt} ${event.id === partId(event.origin.id, event.origin.part)} ${deliveryId}`,
          );
          if (isDown && event.type === "order.shipped") throw new Error("no carrier");
        },
        { maxAttempts: 2, initialDelayMs: 1 },
      );
      const config = defineConfig({ events, upcasters, handlers: [handler] });
      const store = await startStore(config, place);
      await handlerShows(store, place, "parts", { byStatus: { dead_lettered: 1, held: 1 } });
      const { events: letters } = await store.views.deadLetters({ tenant: "default" }, { limit: 5 });
      expect(letters).toMatchObject([{ part: 1, eventType: "order.shipped", data: { carrier: "rail" }, attempts: 2, cause: "exhausted", waiting: 1 }]);
      expect((await store.views.findDeadLetters("default", letters[0]!.deliveryId)).map(({ id }) => id)).toEqual([letters[0]!.id]);
      await store.close();

      isDown = false;
      const again = await startStore(config, place); // the journal knows how far it got
      expect(await again.replay(letters[0]!.id, { reason: "a carrier was found" })).toMatchObject({ status: "replayed" });
      await handlerShows(again, place, "parts", { waiting: 0, byStatus: { replayed: 1 } });
      const shape = calls.map((call) => call.split(" ").slice(0, 6).join(" "));
      expect(shape).toEqual(["order.paid 0 of 2 #1 true", "order.shipped 1 of 2 #1 true", "order.shipped 1 of 2 #2 true", "order.shipped 1 of 2 #3 true"]);
      const ids = calls.map((call) => call.split(" ").at(-1));
      expect(new Set(ids).size).toBe(2);
      expect(ids[1]).toBe(letters[0]!.deliveryId);
    });

    it("records a dropped event as skipped, with the reason", async () => {
      const place = await makePlace();
      await openWritten(place);
      const handler = webhookHandler({ name: "all", url: (await openWebhookReceiver()).url, events: ["*"], startFrom: "beginning" });
      const store = await startStore(defineConfig({ events, upcasters, handlers: [handler] }), place);
      await handlerShows(store, place, "all", { ...everything, byStatus: { skipped: 1, completed: 8 } });
      const rows = await logRows(place);
      expect(countDeliveries(rows, "all").statuses.get("default.order-a@7")).toBe("skipped");
      const record = rows.find(({ type, data }) => type === "delivery.settled" && (data as { outcome: string }).outcome === "skipped");
      expect(record!.data).toMatchObject({ act: { actor: "policy", reason: gone }, cause: null });
    });
  });
}

/** What reads show of each event: one by one, in lists, by entity. */
async function readsShow(store: Store): Promise<void> {
  const { events: page } = await store.readEntity(order("a"));
  expect(page.map(shownOf)).toEqual(today);
  expect(page.map((event) => event.stored)).toEqual(stored);
  expect(page.map(({ dropped }) => dropped).filter((reason) => reason !== null)).toEqual([gone]);
  const { events: list } = await store.views.events({ tenant: "default" }, { limit: 100 });
  expect(list.toReversed().map(shownOf)).toEqual(today);
  for (const [revision, event] of page.entries()) expect(shownOf((await store.views.event("default", event.id))!)).toEqual(today[revision]);
  const paidOnes = await store.views.events({ tenant: "default", eventType: "order.paid" }, { limit: 100 });
  expect(paidOnes.events.flatMap(shownOf).filter(({ type }) => type === "order.paid")).toHaveLength(2);
}

/** The census and the check of the log find every event readable, and every step of the way needed. */
async function countsShow({ catalog }: Store, place: Place): Promise<void> {
  const census = makeCensus(catalog);
  const check = makeLogCheck(catalog);
  await eachEvent(place, (event) => {
    census.add(event);
    check.add(event);
  });
  const { events, rows, steps } = census.report();
  expect(events).toBe(9);
  expect(rows.reduce((sum, { lifted }) => sum + lifted, 0)).toBe(8);
  expect(rows.find(({ type }) => type === "cart.touched")).toMatchObject({ dropped: 1, lifted: 0, failed: 0, newer: 0 });
  expect(steps.filter((step) => step.events === 0)).toEqual([]);
  expect(check.report()).toMatchObject({ events: 9, failed: 0 });
}

/** Files of src that lift stored events, and what of the walk above goes through them: a new one has to be named here, and walked. */
const readers: Readonly<Record<string, string>> = {
  "delivery/dispatcher/caller.ts": "delivery, webhook, retry, replay",
  "delivery/dispatcher/letter-acts.ts": "giving up asks whether the event is split",
  "testing/lift.ts": "data that a user's test lifts",
  "replay/dry-runner.ts": "dry run",
  "replay/lift.ts": "plans, and the report of a dry run",
  "replay/amendments.ts": "a replay refuses what cannot be lifted; amended data is checked by lifting it",
  "views/queries/events/event-view.ts": "reads, lists, dead letters",
  "views/queries/dead-letters/amendments.ts": "the steps of a dead letter that was amended",
  "views/queries/dead-letters/letter-detail.ts": "the steps of a dead letter",
};

const liftsEvents = /catalog\s*\.\s*(current|steps)\(/;

export function describeReaders(): void {
  it("every file that lifts stored events is on the walk", () => {
    const root = join(import.meta.dirname, "../../src");
    const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts") && !file.startsWith("catalog/"));
    const lifting = files.filter((file) => liftsEvents.test(readFileSync(join(root, file), "utf8")));
    expect(new Set(lifting)).toEqual(new Set(Object.keys(readers)));
  });
}
