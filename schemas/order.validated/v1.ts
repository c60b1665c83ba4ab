import { z } from "zod";

/** v1: the order as intake accepted it; the agents behind it need not read `order.placed`. */
export const v1 = z.strictObject({
  orderId: z.string().min(1).max(64),
  email: z.email().max(254),
  totalCents: z.int().nonnegative().max(100_000_000),
  currency: z.enum(["EUR", "CHF"]),
  lines: z
    .array(z.strictObject({ sku: z.string().min(1).max(32), quantity: z.int().min(1).max(1_000) }))
    .min(1)
    .max(100),
  screeningId: z.string().min(1).max(64),
});
