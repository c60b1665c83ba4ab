import { defineEvent } from "reprise";
import { v1 } from "./v1.ts";

/** Intake let the order pass. */
export const orderValidated = defineEvent("order.validated", { 1: v1 });
