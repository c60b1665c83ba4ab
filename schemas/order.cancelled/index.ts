import { defineEvent } from "reprise";
import { v1 } from "./v1.ts";

/** The order is called off: goods go back to the shelf, money to the card. Appended by the shops. */
export const orderCancelled = defineEvent("order.cancelled", { 1: v1 });
