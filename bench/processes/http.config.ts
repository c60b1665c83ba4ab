/** What bench/http.ts appends to: orders and GitHub's webhooks, and no handlers. */
import { defineConfig, defineEvent } from "reprise";
import { events, upcasters } from "../../examples/github-triage/catalog.ts";
import { orderV1 } from "../samples.ts";

export default defineConfig({ events: [defineEvent("order.placed", { 1: orderV1 }), ...events], upcasters });
