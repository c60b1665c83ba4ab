import { defineUpcasters } from "reprise";
import { orderPlaced } from "../../schemas/order.placed/index.ts";
import { v1ToV2 } from "./v1-to-v2.ts";
import { v2ToV3 } from "./v2-to-v3.ts";

export const orderPlacedUpcasters = defineUpcasters(orderPlaced, { 1: v1ToV2, 2: v2ToV3 });
