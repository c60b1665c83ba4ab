import { z } from "zod";

/** v1: the customer asks for the mail again. */
export const v1 = z.strictObject({ orderId: z.string().min(1).max(64), email: z.email().max(254) });
