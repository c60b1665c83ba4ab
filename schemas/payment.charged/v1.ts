import { z } from "zod";

/** v1: `amount` is the line of the receipt: `129.90 EUR`. */
export const v1 = z.strictObject({
  orderId: z.string().min(1).max(64),
  email: z.email().max(254),
  amount: z.string().regex(/^[0-9]{1,7}\.[0-9]{2} (EUR|CHF)$/),
});
