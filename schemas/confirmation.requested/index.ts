import { defineEvent } from "reprise";
import { v1 } from "./v1.ts";

/** A customer wants the confirmation once more. Appended by the shops. */
export const confirmationRequested = defineEvent("confirmation.requested", { 1: v1 });
