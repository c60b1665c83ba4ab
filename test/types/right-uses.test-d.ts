/** Uses that must compile, with TypeScript 5.8, 6 and 7: test/integration/package.test.ts. */
import { z } from "zod";
import {
  defineConfig,
  defineEvent,
  defineHandler,
  defineIntegration,
  defineUpcasters,
  type EventDefinition,
  type EventInput,
  event,
  type HandlerDefinition,
  type Json,
  presets,
  RetryAfter,
  type Store,
  skip,
  webhookHandler,
} from "../../src/index.ts";

const orderPlaced = defineEvent("order.placed", {
  1: z.object({ orderId: z.string(), total: z.number() }),
  2: z.object({
    orderId: z.string(),
    totalCents: z.int(),
    currency: z.enum(["EUR", "CHF"]).default("EUR"),
    lines: z.array(z.object({ sku: z.string(), quantity: z.int() })).default([]),
    note: z.string().optional(),
  }),
});
const orderPaid = defineEvent("order.paid", { 1: z.object({ amountCents: z.int() }) });
interface Line {
  readonly sku: string;
  readonly quantity: number;
}
interface Order {
  readonly orderId: string;
  totalCents: number;
  readonly lines: readonly Line[];
}
declare const store: Store;
declare const placed: Order;
declare const lines: readonly EventInput[];
declare const data: Json;
const order = { type: "order", id: "7" };

// Defaults may be left out, an interface is taken, and so is what is readonly.
export const revision: number = (await store.append(orderPlaced, order, { orderId: "7", totalCents: 900 }))[0].revision;
await store.append(orderPlaced, order, placed);
await store.append(orderPlaced, order, { ...placed, currency: "CHF", note: "soon" }, { expectedRevision: "none", source: "shop", tenant: "acme" });
await store.append([event(orderPlaced, order, placed), event(orderPaid, order, { amountCents: 900 }, { priority: "high" }), ...lines], { expectedRevision: 3 });
// The untyped form, for generic code.
await store.append({ type: "order.placed", entity: order, data });
await store.append(lines);
export const appendAny = (definition: EventDefinition, any: unknown) => store.append(definition, order, any);

// Handlers: a function for each event type, or a word on those that are not for it; without `events`, whatever comes.
const events = [orderPlaced, orderPaid] as const;
const ledger = defineHandler({ name: "ledger", events, on: { "order.placed": (event) => void event.data.lines[0]?.sku, "order.paid": () => {} } });
const partial = defineHandler({
  ...{ name: "partial", events, ignore: ["order.placed"] },
  on: { "order.paid": (event) => void (event.data.amountCents satisfies number) },
  retryByType: { "order.paid": { maxAttempts: 1 } },
});
const anything = defineHandler({ name: "anything", on: { "order.paid": (event) => void event.data } });
const everything = defineHandler({ name: "everything", on: Object.fromEntries(events.map(({ type }) => [type, () => {}])) });
// Webhooks: by names, by definitions, or all.
const url = "http://127.0.0.1:9000/hook";
const mail = webhookHandler({ name: "mail", url, events: ["order.placed", orderPaid], retryByType: { "order.paid": { maxAttempts: 1 } } });
const all = webhookHandler({ name: "all", url, events: ["*"], retryByType: { "order.paid": { maxAttempts: 1 } } });
const named: string = "order.paid";
const late = webhookHandler({ name: "late", url, events: [named] });
const upcasters = [defineUpcasters(orderPlaced, { 1: (data) => ({ orderId: data.orderId, totalCents: Math.round(data.total * 100) }) })];
export const config = defineConfig({ events, upcasters, handlers: [ledger, partial, anything, everything, mail, all, late] });
declare const someEvents: readonly EventDefinition[];
declare const someHandlers: readonly HandlerDefinition[];
export const anyConfig = defineConfig({ events: someEvents, handlers: [mail, ...someHandlers] });
export const listed = defineConfig({ events, upcasters, handlers: someHandlers });

// Appends of a handler.
export const forwarding = defineHandler({
  ...{ name: "forwarding", events: [orderPlaced] },
  on: {
    "order.placed": async (event, { append }) => {
      const { revision, duplicate } = await append(orderPaid, event.entity, { amountCents: event.data.totalCents }, { key: "payment", priority: "high" });
      await append(orderPlaced, event.entity, { ...event.data, note: `${revision} ${duplicate}` });
    },
  },
});

// Failures, and what handlers call: by names, with a field of their own beside a preset.
const bank = defineIntegration({ name: "bank", concurrency: 4, rate: { perSecond: 0.5 }, breaker: { failures: 3 } });
const charge = defineHandler({
  ...{ name: "charge", events: [orderPaid], preset: "payment", integration: "bank" },
  retry: { schedule: [1000, 5000], onExhausted: "escalate", jitter: "full" },
  on: {
    "order.paid": async (event) => {
      if (event.data.amountCents === 0) return skip("nothing to pay");
      throw new RetryAfter(new Date(0));
    },
  },
});
const refund = webhookHandler({ name: "refund", url, events: ["order.paid"], preset: "payment", integration: "bank", retry: presets.mutation.retry });
export const failing = defineConfig({ events, integrations: [bank], handlers: [charge, refund] });
