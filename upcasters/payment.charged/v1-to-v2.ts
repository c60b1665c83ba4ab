import type { Upcaster } from "reprise";
import type { paymentCharged } from "../../schemas/payment.charged/index.ts";

/** `129.90 EUR` → 12990 and EUR: digits only, so that nothing is rounded. v1 charges have no id. */
export const v1ToV2: Upcaster<typeof paymentCharged, 1> = ({ amount, ...order }) => ({
  ...order,
  amountCents: Number(amount.slice(0, -4).replace(".", "")),
  currency: amount.endsWith("CHF") ? "CHF" : "EUR",
  chargeId: null,
});
