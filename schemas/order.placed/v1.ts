import { z } from "zod";

/** v1: what the first shop sent. `total` is in euros; `items` names a SKU once for each piece. */
export const v1 = z.strictObject({
  orderId: z.string().min(1).max(64),
  email: z.email().max(254),
  total: z.number().nonnegative().max(1_000_000),
  items: z.array(z.string().min(1).max(32)).min(1).max(100),
});
