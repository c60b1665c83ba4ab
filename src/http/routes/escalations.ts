import type { FastifyInstance } from "fastify";
import { canonicalId } from "../../event/ids.ts";
import { mustBeKnown } from "../parse.ts";
import { makeRoutes } from "../route.ts";
import { defined } from "../wire/defined.ts";
import { escalationActReply, escalationsQuery, escalationsReply, toEscalationActReply, toEscalationReply } from "../wire/escalations.ts";
import { finalActRequest } from "../wire/members.ts";
import { callerOf, listOf, type RouteOptions } from "./options.ts";

/** What waits for a person, and what people decide. */
export async function escalationRoutes(app: FastifyInstance, { store }: RouteOptions): Promise<void> {
  const { get, act } = makeRoutes(app, store);
  get(
    "/admin/escalations",
    {
      ...listOf.read,
      summary: "Lists deliveries that wait, or waited, for a person's decision, the newest first.",
      query: escalationsQuery,
      reply: escalationsReply,
    },
    async ({ request, query: { limit, cursor, status, handler, delivery_id: deliveryId } }) => {
      const { tenant } = request.caller;
      mustBeKnown(store.views, tenant, defined({ handler }));
      const { escalations, nextCursor } = await store.views.escalations({ tenant, ...defined({ status, handler, deliveryId }) }, defined({ limit, cursor }));
      return { escalations: escalations.map(toEscalationReply), next_cursor: nextCursor };
    },
  );

  const decides = { access: "operate", body: finalActRequest, reply: escalationActReply } as const;
  act(
    "POST",
    "/admin/escalations/:id/approve",
    { ...decides, summary: "Lets a delivery run that waits for a decision, once.", codes: ["ALREADY_DECIDED", "LETTER_NOT_FIRST"] },
    async ({ request, params, body: { reason } }) =>
      toEscalationActReply(await store.approveEscalation(canonicalId(params.id), { ...callerOf(request), reason })),
  );

  act(
    "POST",
    "/admin/escalations/:id/reject",
    { ...decides, summary: "Discards a delivery that waits for a decision.", codes: ["ALREADY_DECIDED"] },
    async ({ request, params, body: { reason } }) =>
      toEscalationActReply(await store.rejectEscalation(canonicalId(params.id), { ...callerOf(request), reason })),
  );
}
