import { defineHandler, Escalate, Terminal } from "reprise";
import { z } from "zod";
import { orderCancelled } from "../schemas/order.cancelled/index.ts";
import { paymentCharged } from "../schemas/payment.charged/index.ts";
import { paymentRefunded } from "../schemas/payment.refunded/index.ts";
import { stockReserved } from "../schemas/stock.reserved/index.ts";
import { callIntegration } from "./integration.ts";

const charged = z.object({ chargeId: z.string() });
/** What is above it is given back only if a person says so. */
export const refundLimitCents = 10_000;
const refunded = z.object({ amountCents: z.int(), currency: z.enum(["EUR", "CHF"]) });

/**
 * Moves money, so nothing is tried twice without a person, as the preset says: one attempt; each outcome is on disk before the order's next step; what
 * failed, and a call that was under way when the process died, waits as `escalated`. The order's lane makes a refund wait for its charge. How much
 * was charged only the bank knows, so it is told the limit, and the agent asks a person when that is too low.
 */
export const payment = defineHandler({
  name: "payment",
  events: [stockReserved, orderCancelled],
  preset: "payment",
  integration: "payments",
  startFrom: "beginning",
  on: {
    "stock.reserved": async (event, context) => {
      const { orderId, email, totalCents: amountCents, currency } = event.data;
      const answer = await callIntegration("payments", "/charges", { orderId, amountCents, currency }, context, charged);
      if (answer.refused === "order_closed") return context.log("cancelled meanwhile: nothing charged");
      if (answer.refused !== null) throw new Terminal(`payments refused the charge: ${answer.refused}`);
      await context.append(paymentCharged, event.entity, { orderId, email, amountCents, currency, chargeId: answer.reply.chargeId });
    },
    "order.cancelled": async (event, context) => {
      const { orderId, email } = event.data;
      const limit = context.approval === null ? { upToCents: refundLimitCents } : {};
      const answer = await callIntegration("payments", "/refunds", { orderId, ...limit }, context, refunded);
      if (answer.refused === "over_limit") throw new Escalate(`a refund over ${refundLimitCents / 100}`);
      if (answer.refused === "nothing_charged") return context.log("cancelled before it was charged: nothing to refund");
      if (answer.refused !== null) throw new Terminal(`payments refused the refund: ${answer.refused}`);
      await context.append(paymentRefunded, event.entity, { orderId, email, ...answer.reply });
    },
  },
});
