import type { HandlerContext } from "reprise";
import { defineHandler, Terminal } from "reprise";
import { z } from "zod";
import { confirmationRequested } from "../schemas/confirmation.requested/index.ts";
import { paymentCharged } from "../schemas/payment.charged/index.ts";
import { paymentRefunded } from "../schemas/payment.refunded/index.ts";
import { callIntegration } from "./integration.ts";

/** Writes to the customer. A letter that mail does not take is tried ten times, with the usual delays about five minutes; while mail is down, none is tried. */
export const confirmation = defineHandler({
  name: "confirmation",
  events: [paymentCharged, confirmationRequested, paymentRefunded],
  preset: "notification",
  integration: "mail",
  startFrom: "beginning",
  retry: { maxAttempts: 10 },
  on: {
    "payment.charged": (event, context) => mail("receipt", event.data, context),
    "confirmation.requested": (event, context) => mail("copy", event.data, context),
    "payment.refunded": (event, context) => mail("refund", event.data, context),
  },
});

async function mail(template: string, { orderId, email }: { readonly orderId: string; readonly email: string }, context: HandlerContext): Promise<void> {
  const answer = await callIntegration("mail", "/mails", { orderId, to: email, template }, context, z.object({}));
  if (answer.refused !== null) throw new Terminal(`mail refused the letter: ${answer.refused}`);
}
