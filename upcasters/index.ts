import { orderPlacedUpcasters } from "./order.placed/index.ts";
import { paymentChargedUpcasters } from "./payment.charged/index.ts";
import { stockReservedUpcasters } from "./stock.reserved/index.ts";

/** One chain for each event type that has more than one version. */
export const upcasters = [orderPlacedUpcasters, paymentChargedUpcasters, stockReservedUpcasters];
