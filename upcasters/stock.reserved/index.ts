import { defineUpcasters } from "reprise";
import { stockReserved } from "../../schemas/stock.reserved/index.ts";
import { v1ToV2 } from "./v1-to-v2.ts";

export const stockReservedUpcasters = defineUpcasters(stockReserved, { 1: v1ToV2 });
