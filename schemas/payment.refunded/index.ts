import { defineEvent } from "reprise";
import { v1 } from "./v1.ts";

/** The charge of a cancelled order went back to the card. */
export const paymentRefunded = defineEvent("payment.refunded", { 1: v1 });
