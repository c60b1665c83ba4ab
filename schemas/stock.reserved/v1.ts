import { z } from "zod";

/** v1: `shelf` is what the picker reads: warehouse and bin, `HAM-12`. */
export const v1 = z.strictObject({
  orderId: z.string().min(1).max(64),
  email: z.email().max(254),
  totalCents: z.int().nonnegative().max(100_000_000),
  currency: z.enum(["EUR", "CHF"]),
  shelf: z.string().regex(/^[A-Z]{3}-[0-9]{1,4}$/),
});
