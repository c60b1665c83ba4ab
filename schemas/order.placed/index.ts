import { defineEvent } from "reprise";
import { v1 } from "./v1.ts";
import { v2 } from "./v2.ts";
import { v3 } from "./v3.ts";

/** A customer ordered. Appended by the shops, each in the version that it was built for. */
export const orderPlaced = defineEvent("order.placed", { 1: v1, 2: v2, 3: v3 });
