import type { Upcaster } from "reprise";
import type { orderPlaced } from "../../schemas/order.placed/index.ts";

/** Rounds half up: v1 never held more than two decimals, and binary fractions miss them by less than a cent. v1 knew only euros. */
export const v1ToV2: Upcaster<typeof orderPlaced, 1> = ({ total, ...order }) => ({ ...order, totalCents: Math.round(total * 100), currency: "EUR" });
