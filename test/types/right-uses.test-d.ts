/** Uses that must compile, with TypeScript 5.8, 6 and 7: test/integration/package.test.ts. */
import { z } from "zod";
import { defineEvent, type EventDefinition, type EventInput, event, type Json, type Store } from "../../src/index.ts";

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
