import { defineHandler, Terminal } from "reprise";
import { z } from "zod";
import { orderPlaced } from "../schemas/order.placed/index.ts";
import { orderValidated } from "../schemas/order.validated/index.ts";
import { callIntegration } from "./integration.ts";

const screened = z.object({ screeningId: z.string() });

/** Checks a new order. What is wrong with it stays wrong however often one looks, so it goes to a person at once. */
export const intake = defineHandler({
  name: "intake",
  events: [orderPlaced],
  preset: "readOnly",
  integration: "screening",
  startFrom: "beginning",
  retry: { onExhausted: "escalate" },
  on: {
    "order.placed": async (event, context) => {
      if (event.data.totalCents === 0) throw new Terminal("the order has goods, and a total of zero");
      const answer = await callIntegration("screening", "/screenings", event.data, context, screened);
      if (answer.refused !== null) throw new Terminal(`screening refused the order: ${answer.refused}`);
      await context.append(orderValidated, event.entity, { ...event.data, screeningId: answer.reply.screeningId });
    },
  },
});
