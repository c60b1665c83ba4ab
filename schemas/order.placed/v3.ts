import { z } from "zod";

/** v3: `items` became `lines` with a quantity, so that the stock is reserved line by line: piece by piece, half of a line could fail. */
export const v3 = z.strictObject({
  orderId: z.string().min(1).max(64),
  email: z.email().max(254),
  totalCents: z.int().nonnegative().max(100_000_000),
  currency: z.enum(["EUR", "CHF"]),
  lines: z
    .array(z.strictObject({ sku: z.string().min(1).max(32), quantity: z.int().min(1).max(1_000) }))
    .min(1)
    .max(100),
});
