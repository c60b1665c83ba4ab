import { defineEvent } from "reprise";
import { v1 } from "./v1.ts";
import { v2 } from "./v2.ts";

/** The goods of the order lie ready. */
export const stockReserved = defineEvent("stock.reserved", { 1: v1, 2: v2 });
