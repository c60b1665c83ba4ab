/**
 * Uses that must not compile. The word behind each `@ts-expect-error` must stand in what the compiler says of the next line:
 * test/integration/package.test.ts holds TypeScript 5.8, 6 and 7 to that.
 */
import { z } from "zod";
import { defineEvent, event, type Store } from "../../src/index.ts";

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
store.append(orderPlaced, order, { orderId: "7", totalCent: 900 });
// @ts-expect-error totalCents: missing
store.append(orderPlaced, order, { orderId: "7" });
// @ts-expect-error express: a field that the event has not
store.append(orderPlaced, order, { orderId: "7", totalCents: 900, express: true });
// @ts-expect-error total: a field of an old version
store.append(orderPlaced, order, { orderId: "7", totalCents: 900, total: 9 });
// @ts-expect-error amountCents: the data of an interface with other fields
store.append(orderPaid, order, paid);
// @ts-expect-error totalCents: a text for a number
store.append(orderPlaced, order, { orderId: "7", totalCents: "900" });
// @ts-expect-error currency: none of its values
store.append(orderPlaced, order, { orderId: "7", totalCents: 900, currency: "USD" });
// @ts-expect-error quanity: misspelt, deep inside
store.append(orderPlaced, order, { orderId: "7", totalCents: 900, lines: [{ sku: "a", quanity: 1 }] });
// @ts-expect-error note: misspelt, of an optional field
store.append(orderPlaced, order, { orderId: "7", totalCents: 900, notes: "soon" });
// @ts-expect-error id: an entity without an id
store.append(orderPaid, { type: "order" }, { amountCents: 900 });
// @ts-expect-error ids: a misspelt member of the entity
store.append(orderPaid, { type: "order", ids: "7" }, { amountCents: 900 });
// @ts-expect-error entity: no entity and no data
store.append(orderPaid);
// @ts-expect-error expectedRevison: a misspelt option
store.append(orderPaid, order, { amountCents: 900 }, { expectedRevison: 3 });
// @ts-expect-error schemaVersion: no option of typed data, which is always of the current version
store.append(orderPaid, order, { amountCents: 900 }, { schemaVersion: 1 });
// @ts-expect-error priority: none of its values
store.append(orderPaid, order, { amountCents: 900 }, { priority: "urgent" });
// @ts-expect-error amountCent: misspelt, in a list
store.append([event(orderPaid, order, { amountCents: 1 }), event(orderPaid, order, { amountCent: 2 })]);
// @ts-expect-error amountCents: missing, in a list
store.append([event(orderPaid, order, {})]);
