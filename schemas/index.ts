import { confirmationRequested } from "./confirmation.requested/index.ts";
import { orderCancelled } from "./order.cancelled/index.ts";
import { orderPlaced } from "./order.placed/index.ts";
import { orderValidated } from "./order.validated/index.ts";
import { paymentCharged } from "./payment.charged/index.ts";
import { paymentRefunded } from "./payment.refunded/index.ts";
import { stockReserved } from "./stock.reserved/index.ts";

/** All event types of the order desk, in the order of an order's life. */
export const events = [orderPlaced, orderValidated, stockReserved, paymentCharged, confirmationRequested, orderCancelled, paymentRefunded] as const;
