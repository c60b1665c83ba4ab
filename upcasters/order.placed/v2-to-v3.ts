import type { Upcaster } from "reprise";
import type { orderPlaced } from "../../schemas/order.placed/index.ts";

/** Counts each SKU; lines stand in the order in which their SKU was first named. */
export const v2ToV3: Upcaster<typeof orderPlaced, 2> = ({ items, ...order }) => {
  const quantities = new Map<string, number>(); // not an object: a SKU may be called `__proto__`
  for (const sku of items) quantities.set(sku, (quantities.get(sku) ?? 0) + 1);
  return { ...order, lines: Array.from(quantities, ([sku, quantity]) => ({ sku, quantity })) };
};
