import { z } from "zod";
import type { NewEvent } from "../src/event/event.ts";
import { newId } from "../src/event/ids.ts";

/** An order of about 300 bytes as its first version knew it: two lines, a customer, an amount in euros. */
export const orderV1 = z.object({
  orderId: z.string(),
  customer: z.string(),
  total: z.number(),
  lines: z.array(z.object({ article: z.string(), quantity: z.int(), price: z.number() })),
});

export function sampleOrder(number: number): NewEvent {
  return {
    id: newId(),
    type: "order.placed",
    schemaVersion: 1,
    source: "bench",
    occurredAt: "2026-01-01T00:00:00.000Z",
    data: {
      orderId: `order-${number}`,
      customer: "customer-0123456789",
      total: 149.5,
      lines: [
        { article: "article-000001", quantity: 3, price: 19.5 },
        { article: "article-000002", quantity: 1, price: 91 },
      ],
    },
    metadata: { priority: "normal", correlationId: "bench" },
  };
}
