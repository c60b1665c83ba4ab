/**
 * The order desk: the example that `npm start` serves. An order goes from agent to agent, each appending what it did:
 *
 *   order.placed → intake → order.validated → inventory → stock.reserved → payment → payment.charged → confirmation
 *
 * The agents call five systems over HTTP: screening, inventory, payments, mail, analytics (ORDER_DESK_SCREENING_URL and so on,
 * by default http://127.0.0.1:4681 … 4685; see handlers/integration.ts). When nothing listens there, nothing is lost and
 * nothing breaks: after their attempts the deliveries become dead letters, `GET /admin/dlq` shows them, and a replay takes
 * them up once the system is there.
 *
 * `npm run demo` starts all of it, breaks it, and mends it.
 */
import { defineConfig } from "reprise";
import { handlers } from "./handlers/index.ts";
import { events } from "./schemas/index.ts";
import { upcasters } from "./upcasters/index.ts";

export default defineConfig({ events, upcasters, handlers });
