/**
 * Uses that must not compile. The word behind each `@ts-expect-error` must stand in what the compiler says of the next line:
 * test/integration/package.test.ts holds TypeScript 5.8, 6 and 7 to that.
 */
import { z } from "zod";
import {
  defineConfig,
  defineEvent,
  defineHandler,
  defineIntegration,
  defineUpcasters,
  event,
  type HandlerContext,
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
interface Paid {
  amount: number;
}
declare const store: Store;
declare const paid: Paid;
const order = { type: "order", id: "7" };

// Appends.
// @ts-expect-error totalCent: misspelt
await store.append(orderPlaced, order, { orderId: "7", totalCent: 900 });
// @ts-expect-error totalCents: missing
await store.append(orderPlaced, order, { orderId: "7" });
// @ts-expect-error express: a field that the event has not
await store.append(orderPlaced, order, { orderId: "7", totalCents: 900, express: true });
// @ts-expect-error total: a field of an old version
await store.append(orderPlaced, order, { orderId: "7", totalCents: 900, total: 9 });
// @ts-expect-error amountCents: the data of an interface with other fields
await store.append(orderPaid, order, paid);
// @ts-expect-error totalCents: a text for a number
await store.append(orderPlaced, order, { orderId: "7", totalCents: "900" });
// @ts-expect-error currency: none of its values
await store.append(orderPlaced, order, { orderId: "7", totalCents: 900, currency: "USD" });
// @ts-expect-error quanity: misspelt, deep inside
await store.append(orderPlaced, order, { orderId: "7", totalCents: 900, lines: [{ sku: "a", quanity: 1 }] });
// @ts-expect-error note: misspelt, of an optional field
await store.append(orderPlaced, order, { orderId: "7", totalCents: 900, notes: "soon" });
// @ts-expect-error id: an entity without an id
await store.append(orderPaid, { type: "order" }, { amountCents: 900 });
// @ts-expect-error ids: a misspelt member of the entity
await store.append(orderPaid, { type: "order", ids: "7" }, { amountCents: 900 });
// @ts-expect-error entity: no entity and no data
await store.append(orderPaid);
// @ts-expect-error expectedRevison: a misspelt option
await store.append(orderPaid, order, { amountCents: 900 }, { expectedRevison: 3 });
// @ts-expect-error schemaVersion: no option of typed data, which is always of the current version
await store.append(orderPaid, order, { amountCents: 900 }, { schemaVersion: 1 });
// @ts-expect-error priority: none of its values
await store.append(orderPaid, order, { amountCents: 900 }, { priority: "urgent" });
// @ts-expect-error amountCent: misspelt, in a list
await store.append([event(orderPaid, order, { amountCents: 1 }), event(orderPaid, order, { amountCent: 2 })]);
// @ts-expect-error amountCents: missing, in a list
await store.append([event(orderPaid, order, {})]);

// Handlers.
// @ts-expect-error order.paid: listed, and has no function
defineHandler({ name: "ledger", events: [orderPlaced, orderPaid], on: { "order.placed": () => {} } });
// @ts-expect-error order.plcaed: misspelt, with a function for each
defineHandler({ name: "ledger", events: [orderPlaced], on: { "order.placed": () => {}, "order.plcaed": () => {} } });
// @ts-expect-error order.paid: ignored, and has a function
defineHandler({ name: "ledger", events: [orderPlaced, orderPaid], ignore: ["order.paid"], on: { "order.placed": () => {}, "order.paid": () => {} } });
// @ts-expect-error order.piad: misspelt in `ignore`
defineHandler({ name: "ledger", events: [orderPlaced, orderPaid], ignore: ["order.piad"], on: { "order.placed": () => {}, "order.paid": () => {} } });
// @ts-expect-error order.piad: misspelt in `retryByType`
defineHandler({ name: "ledger", events: [orderPaid], on: { "order.paid": () => {} }, retryByType: { "order.piad": { maxAttempts: 1 } } });
// @ts-expect-error maxAttempt: misspelt
defineHandler({ name: "ledger", events: [orderPaid], on: { "order.paid": () => {} }, retry: { maxAttempt: 1 } });
// @ts-expect-error amount: a field that the event has not
defineHandler({ name: "ledger", events: [orderPaid], on: { "order.paid": (event) => void event.data.amount } });
// @ts-expect-error total: a field of an old version
defineHandler({ name: "ledger", events: [orderPlaced], on: { "order.placed": (event) => void event.data.total } });
// @ts-expect-error attempts: misspelt member of the context
defineHandler({ name: "ledger", events: [orderPaid], on: { "order.paid": (_, context) => void context.attempts } });
// @ts-expect-error name: missing
defineHandler({ events: [orderPaid], on: { "order.paid": () => {} } });
// @ts-expect-error order.paid: not in the catalog
defineConfig({ events: [orderPlaced], handlers: [defineHandler({ name: "ledger", events: [orderPaid], on: { "order.paid": () => {} } })] });

// Failures of handlers, and what they call.
const on = { "order.paid": () => {} };
// @ts-expect-error preset: none of its values
defineHandler({ name: "ledger", events: [orderPaid], on, preset: "payments" });
// @ts-expect-error onExhausted: none of its values
defineHandler({ name: "ledger", events: [orderPaid], on, retry: { onExhausted: "escalated" } });
// @ts-expect-error jitter: none of its values
defineHandler({ name: "ledger", events: [orderPaid], on, retryByType: { "order.paid": { jitter: "some" } } });
// @ts-expect-error schedule: one wait is no list
defineHandler({ name: "ledger", events: [orderPaid], on, retry: { schedule: 1000 } });
// @ts-expect-error record: none of its values
defineHandler({ name: "ledger", events: [orderPaid], on, record: "every" });
// @ts-expect-error integrations: a handler calls one
defineHandler({ name: "ledger", events: [orderPaid], on, integrations: ["bank"] });
// @ts-expect-error failure: misspelt
defineHandler({ name: "ledger", events: [orderPaid], on, breaker: { failure: 3 } });
// @ts-expect-error perMinute: not the unit
defineIntegration({ name: "bank", rate: { perMinute: 60 } });
// @ts-expect-error concurency: misspelt
defineIntegration({ name: "bank", concurency: 4 });
// @ts-expect-error name: missing
defineConfig({ events: [orderPaid], integrations: [{ concurrency: 4 }] });
// @ts-expect-error string: a text is no time
export const later = new RetryAfter("30 s");
// @ts-expect-error reason: a skip without one
export const skipped = skip();

// Webhooks.
const url = "http://127.0.0.1:9000/hook";
// @ts-expect-error order.piad: misspelt, named by the catalog of the config
defineConfig({ events: [orderPlaced, orderPaid], handlers: [webhookHandler({ name: "mail", url, events: ["order.piad"] })] });
// @ts-expect-error order.shipped: no type of the catalog, beside one that is
defineConfig({ events: [orderPlaced], handlers: [webhookHandler({ name: "mail", url, events: ["order.placed", "order.shipped"] })] });
// @ts-expect-error order.paid: a definition that the catalog has not
defineConfig({ events: [orderPlaced], handlers: [webhookHandler({ name: "mail", url, events: [orderPaid] })] });
// @ts-expect-error order.piad: misspelt in `retryByType`
webhookHandler({ name: "mail", url, events: ["order.paid"], retryByType: { "order.piad": { maxAttempts: 1 } } });
// @ts-expect-error order.placed: in `retryByType`, and not among the webhook's types
webhookHandler({ name: "mail", url, events: [orderPaid], retryByType: { "order.placed": { maxAttempts: 1 } } });
// @ts-expect-error initialDelay: misspelt
webhookHandler({ name: "mail", url, events: ["*"], retryByType: { "order.paid": { initialDelay: 1 } } });
// @ts-expect-error url: missing
webhookHandler({ name: "mail", events: ["*"] });
// @ts-expect-error timeout: misspelt
webhookHandler({ name: "mail", url, events: ["*"], timeout: 15_000 });
// @ts-expect-error preset: none of its values
webhookHandler({ name: "mail", url, events: ["*"], preset: "notify" });

// Retention.
// @ts-expect-error archive: missing
defineConfig({ events: [orderPlaced], retention: { order: { afterDays: 90 } } });
// @ts-expect-error afterDay: misspelt
defineConfig({ events: [orderPlaced], retention: { order: { afterDay: 90, archive: "file:/srv/archive" } } });
// @ts-expect-error after: a number has no unit
defineConfig({ events: [orderPlaced], retention: { order: { after: 36, archive: "file:/srv/archive" } } });
// @ts-expect-error rate: none of its fields
defineConfig({ events: [orderPlaced], retentionPace: { rate: 100 } });

// Upcasters.
// @ts-expect-error totalCents: missing in what the step returns
defineUpcasters(orderPlaced, { 1: (data) => ({ orderId: data.orderId }) });
// @ts-expect-error totalCents: a text for a number
defineUpcasters(orderPlaced, { 1: (data) => ({ orderId: data.orderId, totalCents: String(data.total) }) });
// @ts-expect-error totalCents: misspelt in what the step returns
defineUpcasters(orderPlaced, { 1: (data) => ({ orderId: data.orderId, totalCent: data.total }) });
// @ts-expect-error totals: misspelt, read from the old data
defineUpcasters(orderPlaced, { 1: (data) => ({ orderId: data.orderId, totalCents: data.totals }) });
// @ts-expect-error 2: a step too many
defineUpcasters(orderPlaced, { 1: (data) => ({ orderId: data.orderId, totalCents: data.total }), 2: () => ({}) });
// @ts-expect-error 1: the step is missing
defineUpcasters(orderPlaced, {});

// Appends of a handler.
declare const context: HandlerContext;
// @ts-expect-error amountCent: misspelt
await context.append(orderPaid, order, { amountCent: 900 });
// @ts-expect-error amountCents: missing
await context.append(orderPaid, order, {});
// @ts-expect-error tip: a field that the event has not
await context.append(orderPaid, order, { amountCents: 900, tip: 1 });
// @ts-expect-error amountCents: the data of an interface with other fields
await context.append(orderPaid, order, paid);
// @ts-expect-error keys: a misspelt option
await context.append(orderPaid, order, { amountCents: 900 }, { keys: "payment" });
// @ts-expect-error causationId: told by the cause
await context.append(orderPaid, order, { amountCents: 900 }, { causationId: "1" });
// @ts-expect-error id: an entity without an id
await context.append(orderPaid, { type: "order" }, { amountCents: 900 });
