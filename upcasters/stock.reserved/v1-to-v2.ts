import type { Upcaster } from "reprise";
import type { stockReserved } from "../../schemas/stock.reserved/index.ts";

/** `HAM-12` is bin 12 in HAM. v1 did not say when; the log's own clock is the best that is known, at most moments late. */
export const v1ToV2: Upcaster<typeof stockReserved, 1> = ({ shelf, ...order }, event) => ({
  ...order,
  warehouse: shelf.slice(0, 3),
  bin: Number(shelf.slice(4)),
  reservedAt: event.recordedAt,
});
