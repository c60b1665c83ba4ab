import { z } from "zod";

/** v2: `amount` became `amountCents` and `currency`, since every reader parsed the text its own way; `chargeId` is new, for refunds. */
export const v2 = z.strictObject({
  orderId: z.string().min(1).max(64),
  email: z.email().max(254),
  amountCents: z.int().nonnegative().max(1_000_000_000),
  currency: z.enum(["EUR", "CHF"]),
  /** Null: charged before the provider gave ids. */
  chargeId: z.string().min(1).max(64).nullable(),
});
