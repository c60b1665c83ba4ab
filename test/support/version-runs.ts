/** Payloads of three schema versions on their way to handlers, over any log. */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineEvent, defineUpcasters } from "../../src/catalog/define.ts";
import { type Config, defineConfig } from "../../src/config/config.ts";
import { defineHandler, webhookHandler } from "../../src/delivery/handler.ts";
import type { HandlerContext } from "../../src/delivery/handler-context.ts";
import type { Json } from "../../src/event/event.ts";
import type { EventInput } from "../../src/store/append/event-input.ts";
import { countDeliveries } from "./history-checker.ts";
import { handlerShows, headOf, logRows, type Place, startStore } from "./test-store.ts";
import { openWebhookReceiver } from "./webhook-receiver.ts";

const placed = defineEvent("order.placed", {
  1: z.object({ total: z.number() }),
  2: z.object({ totalCents: z.int() }),
  3: z.object({ amount: z.object({ cents: z.int(), currency: z.string() }) }),
});
const toCents = ({ total }: { total: number }) => ({ totalCents: Math.round(total * 100) });
const upcasters = defineUpcasters(placed, { 1: toCents, 2: ({ totalCents }) => ({ amount: { cents: totalCents, currency: "EUR" } }) });
/** Its first step stumbles over an order without a total above zero: real payloads are stranger than their schemas. */
const brokenUpcasters = defineUpcasters(placed, {
  1: (data) => {
    if (data.total <= 0) throw new RangeError("a total above 0 was taken for granted");
    return toCents(data);
  },
  2: ({ totalCents }) => ({ amount: { cents: totalCents, currency: "EUR" } }),
});

const order = (id: string, schemaVersion: number, data: Json): EventInput => ({ type: "order.placed", schemaVersion, entity: { type: "order", id }, data });
const euros = (cents: number) => ({ amount: { cents, currency: "EUR" } });

function openScene(steps: Config["upcasters"], url?: string) {
  const seen: { readonly data: unknown; readonly schemaVersion: number; readonly revision: number; readonly context: HandlerContext }[] = [];
  const inProcess = defineHandler({
    name: "ledger",
    events: [placed],
    retry: { maxAttempts: 5 },
    on: {
      "order.placed": ({ data, schemaVersion, revision }, context) => {
        seen.push({ data, schemaVersion, revision, context });
      },
    },
  });
  const handlers = [inProcess, ...(url === undefined ? [] : [webhookHandler({ name: "shipping", url, events: ["order.placed"] })])];
  return { seen, config: defineConfig({ events: [placed], handlers, ...(steps === undefined ? {} : { upcasters: steps }) }) };
}

/** @param makePlace an empty log for one test. */
export function describeVersions(kind: string, makePlace: () => Promise<Place> | Place): void {
  describe(`payloads of older versions, ${kind}`, { timeout: 30_000 }, () => {
    it("reach functions and webhooks as the newest; what is stored stays as it was sent", async () => {
      const place = await makePlace();
      const receiver = await openWebhookReceiver();
      const { seen, config } = openScene([upcasters], receiver.url);
      const store = await startStore(config, place);
      const sent = [order("a", 1, { total: 12.34, note: "kept as it was sent" }), order("a", 2, { totalCents: 500 }), order("a", 3, euros(7))];
      for (const event of sent) await store.append(event);
      await handlerShows(store, place, "ledger", { waiting: 0, done: 3 });
      await handlerShows(store, place, "shipping", { waiting: 0, done: 3 });

      const current = [euros(1234), euros(500), euros(7)];
      expect(seen.map(({ data, schemaVersion }) => ({ data, schemaVersion }))).toEqual(current.map((data) => ({ data, schemaVersion: 3 })));
      expect(receiver.received.map(({ event }) => ({ data: event.data, schemaversion: event.schemaversion }))).toEqual(
        current.map((data) => ({ data, schemaversion: 3 })),
      );
      const { events } = await store.readEntity({ type: "order", id: "a" });
      expect(events.map(({ data, schemaVersion }) => ({ data, schemaVersion }))).toEqual(current.map((data) => ({ data, schemaVersion: 3 })));
      expect(events.map(({ stored }) => stored)).toEqual(sent.map(({ type, schemaVersion, data }) => ({ type, schemaVersion, data })));
      const rows = (await logRows(place)).filter(({ stream }) => stream === "default.order-a");
      expect(rows.map(({ data }) => data)).toEqual(sent.map(({ data }) => data));
    });

    it("whose upcaster throws are dead letters at once, uncalled; with the upcaster mended and the service restarted they are replayed", async () => {
      const place = await makePlace();
      const before = openScene([brokenUpcasters]);
      const store = await startStore(before.config, place);
      await store.append([order("a", 2, { totalCents: 1 }), order("a", 1, { total: -5 }), order("a", 1, { total: 2 }), order("b", 1, { total: 3 })]);
      await handlerShows(store, place, "ledger", { waiting: 2, byStatus: { completed: 2, dead_lettered: 1, held: 1 } });
      expect(before.seen.map(({ data }) => data)).toEqual(expect.arrayContaining([euros(1), euros(300)]));
      expect(before.seen).toHaveLength(2);

      const { events: letters } = await store.views.deadLetters({ tenant: "default" }, { limit: 10 });
      expect(letters).toMatchObject([{ revision: 1, cause: "schema", attempts: 1, retryCount: 1, waiting: 1, data: null, storedSchemaVersion: 1 }]);
      const [letter] = await store.views.findDeadLetters("default", letters[0]!.id);
      expect(letter).toMatchObject({ stored: { schemaVersion: 1, data: { total: -5 } }, history: [{ attempt: 1, class: "schema", outcome: "failed" }] });
      expect(letter!.error.message).toContain("a total above 0 was taken for granted");
      const head = await headOf(place);
      await expect(store.replay(letter!.id)).rejects.toMatchObject({ code: "UPCAST_FAILED" });
      expect(await headOf(place)).toBe(head);
      await store.close();

      const after = openScene([upcasters]);
      const again = await startStore(after.config, place);
      expect(await again.replay(letter!.id, { reason: "the step takes refunds" })).toMatchObject({ status: "replayed", error: null });
      await handlerShows(again, place, "ledger", { waiting: 0, byStatus: { completed: 3, replayed: 1 } });
      expect(after.seen.map(({ data, revision }) => ({ data, revision }))).toEqual([
        { data: euros(-500), revision: 1 },
        { data: euros(200), revision: 2 },
      ]);
      expect(after.seen[0]!.context).toMatchObject({ attempt: 2, replay: { reason: "the step takes refunds" }, deliveryId: letter!.deliveryId });
      expect(after.seen[1]!.context).toMatchObject({ attempt: 1, replay: null });
      expect((await again.readEntity({ type: "order", id: "a" })).events[1]!.stored.data).toEqual({ total: -5 });
      expect(countDeliveries(await logRows(place), "ledger").statuses.get("default.order-a@1")).toBe("replayed");
    });

    it("newer than the build knows block their lane without a dead letter, until a build comes that knows them", async () => {
      const place = await makePlace();
      const store = await startStore(openScene([upcasters]).config, place);
      await store.append([order("a", 1, { total: 1 }), order("b", 3, euros(2)), order("b", 1, { total: 3 }), order("c", 2, { totalCents: 4 })]);
      await store.close();

      const old = defineEvent("order.placed", { 1: placed.schemas[1], 2: placed.schemas[2] });
      const seen: string[] = [];
      const handler = defineHandler({
        name: "archive",
        events: [old],
        startFrom: "beginning",
        on: { "order.placed": ({ entity, revision }) => void seen.push(`${entity.id}@${revision}`) },
      });
      const oldConfig = defineConfig({ events: [old], upcasters: [defineUpcasters(old, { 1: toCents })], handlers: [handler] });
      const behind = await startStore(oldConfig, place);
      await handlerShows(behind, place, "archive", { waiting: 2, byStatus: { dead_lettered: 0, held: 2 }, lanes: { blocked: 1 } });
      expect(new Set(seen)).toEqual(new Set(["a@0", "c@0"]));
      expect(await behind.views.entity("default", { type: "order", id: "b" })).toMatchObject({
        handlers: expect.arrayContaining([expect.objectContaining({ laneState: "blocked", why: expect.stringContaining("newer"), waiting: 2 })]),
      });
      await behind.close();

      const newer = defineHandler({
        name: "archive",
        events: [placed],
        on: { "order.placed": ({ entity, revision }) => void seen.push(`${entity.id}@${revision}`) },
      });
      const now = await startStore(defineConfig({ events: [placed], upcasters: [upcasters], handlers: [newer] }), place);
      await handlerShows(now, place, "archive", { waiting: 0, lanes: { blocked: 0 } });
      expect(seen.slice(2)).toEqual(["b@0", "b@1"]);
    });
  });
}
