import { z } from "zod";

/** v1: what went back to the card. */
export const v1 = z.strictObject({
  orderId: z.string().min(1).max(64),
  email: z.email().max(254),
  amountCents: z.int().nonnegative().max(1_000_000_000),
  currency: z.enum(["EUR", "CHF"]),
});
