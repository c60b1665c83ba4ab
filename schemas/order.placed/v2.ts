import { z } from "zod";

/** v2: `total` in euros became `totalCents`, so that sums are exact, and `currency`, since the desk also sells in Switzerland. */
export const v2 = z.strictObject({
  orderId: z.string().min(1).max(64),
  email: z.email().max(254),
  totalCents: z.int().nonnegative().max(100_000_000),
  currency: z.enum(["EUR", "CHF"]),
  items: z.array(z.string().min(1).max(32)).min(1).max(100),
});
