import { defineHandler, Terminal } from "reprise";
import { z } from "zod";
import { orderCancelled } from "../schemas/order.cancelled/index.ts";
import { orderValidated } from "../schemas/order.validated/index.ts";
import { stockReserved } from "../schemas/stock.reserved/index.ts";
import { callIntegration } from "./integration.ts";

const reserved = z.object({ warehouse: z.string(), bin: z.int(), reservedAt: z.iso.datetime() });

/** Reserves goods. The warehouse is slow at noon, hence five attempts; an empty shelf does not fill by asking again, hence `Terminal`. */
export const inventory = defineHandler({
  name: "inventory",
  events: [orderValidated, orderCancelled],
  preset: "mutation",
  integration: "inventory",
  startFrom: "beginning",
  retry: { maxAttempts: 5 },
  on: {
    "order.validated": async (event, context) => {
      const { orderId, email, totalCents, currency, lines } = event.data;
      const answer = await callIntegration("inventory", "/reservations", { orderId, lines }, context, reserved);
      if (answer.refused === "order_closed") return context.log("cancelled meanwhile: nothing reserved");
      if (answer.refused !== null) throw new Terminal(`inventory refused the reservation: ${answer.refused}`);
      await context.append(stockReserved, event.entity, { orderId, email, totalCents, currency, ...answer.reply });
    },
    "order.cancelled": async (event, context) => {
      await callIntegration("inventory", "/releases", { orderId: event.data.orderId }, context, z.object({}));
    },
  },
});
