import { analytics } from "./analytics.ts";
import { confirmation } from "./confirmation.ts";
import { intake } from "./intake.ts";
import { inventory } from "./inventory.ts";
import { payment } from "./payment.ts";

/** The agents of the order desk, in the order in which an order meets them. */
export const handlers = [intake, inventory, payment, confirmation, analytics];
