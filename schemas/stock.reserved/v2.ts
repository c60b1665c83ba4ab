import { z } from "zod";

/** v2: `shelf` became `warehouse` and `bin`, since the second warehouse counts by bin; `reservedAt` is new, since reservations now lapse after a week. */
export const v2 = z.strictObject({
  orderId: z.string().min(1).max(64),
  email: z.email().max(254),
  totalCents: z.int().nonnegative().max(100_000_000),
  currency: z.enum(["EUR", "CHF"]),
  warehouse: z.string().regex(/^[A-Z]{3}$/),
  bin: z.int().min(0).max(9_999),
  reservedAt: z.iso.datetime(),
});
