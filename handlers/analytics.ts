import type { EventOf, HandlerContext } from "reprise";
import { defineHandler } from "reprise";
import { z } from "zod";
import { events } from "../schemas/index.ts";
import { callIntegration } from "./integration.ts";

/** Counts what happens. A missing figure is worth no retry and no person: one attempt, then it is skipped, with a record. */
export const analytics = defineHandler({
  name: "analytics",
  events,
  preset: "bestEffort",
  integration: "analytics",
  startFrom: "beginning",
  on: {
    "order.placed": count,
    "order.validated": count,
    "stock.reserved": count,
    "payment.charged": count,
    "payment.refunded": count,
    "confirmation.requested": count,
    "order.cancelled": count,
  },
});

async function count(event: EventOf<(typeof events)[number]>, context: HandlerContext): Promise<void> {
  await callIntegration("analytics", "/facts", { orderId: event.data.orderId, type: event.type }, context, z.object({}));
}
