/**
 * The order desk: the example that `npm start` serves. An order goes from agent to agent, each appending what it did:
 *
 *   order.placed → intake → order.validated → inventory → stock.reserved → payment → payment.charged → confirmation
 *
 * The agents call five systems over HTTP: screening, inventory, payments, mail, analytics (ORDER_DESK_SCREENING_URL and so on,
 * by default http://127.0.0.1:4681 … 4685; see handlers/integration.ts). When nothing listens there, nothing is lost and
 * nothing breaks: after some failures a system's breaker opens, its agents wait, `GET /integrations` shows it, and they go on
 * once the system is there. What used up its attempts before that is a dead letter: `GET /admin/dlq` shows it, a replay takes it up.
 *
 * `npm run demo` starts all of it, breaks it, and mends it.
 */
import { defineConfig } from "reprise";
import { handlers } from "./handlers/index.ts";
import { integrations } from "./handlers/integrations.ts";
import { events } from "./schemas/index.ts";
import { upcasters } from "./upcasters/index.ts";

export default defineConfig({ events, upcasters, integrations, handlers });
