import { defineEvent } from "reprise";
import { v1 } from "./v1.ts";
import { v2 } from "./v2.ts";

/** The customer's card was charged. */
export const paymentCharged = defineEvent("payment.charged", { 1: v1, 2: v2 });
