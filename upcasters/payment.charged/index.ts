import { defineUpcasters } from "reprise";
import { paymentCharged } from "../../schemas/payment.charged/index.ts";
import { v1ToV2 } from "./v1-to-v2.ts";

export const paymentChargedUpcasters = defineUpcasters(paymentCharged, { 1: v1ToV2 });
