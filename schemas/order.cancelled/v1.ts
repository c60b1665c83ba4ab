import { z } from "zod";

/** v1: who called it off. */
export const v1 = z.strictObject({
  orderId: z.string().min(1).max(64),
  email: z.email().max(254),
  by: z.enum(["customer", "desk"]),
});
